"""Many runs: replicates with confidence intervals."""
