/* The benchmarks' workloads on SimGrid's C++ interface (S4U, written for 3.32), as its own users would write them.
 *
 *   simgrid_driver all-reduce ALGORITHM RANKS RANKS_PER_HOST ELEMENTS STEPS COMPUTE LATENCY BANDWIDTH MEMORY [--cfg=...]
 *       STEPS times: COMPUTE seconds of sleep, then an all-reduce (ring, binomial-tree or hierarchical) of ELEMENTS
 *       numbers of 4 bytes. Ranks of one host send through its memory, of that bandwidth [B/s].
 *   simgrid_driver server WORKERS BYTES ROUNDS STAGGER LATENCY BANDWIDTH [--cfg=...]
 *       WORKERS send BYTES to one server and get them back, ROUNDS times, each served by a thread of its own; worker i
 *       begins after i * STAGGER seconds.
 *   simgrid_driver flows HOSTS LATENCY BANDWIDTH [--cfg=...] < flows
 *       Lines of "source target bytes" on standard input: flows that all start at 0.
 *   simgrid_driver version
 *
 * Hosts are joined by one switch; each has a link up and a link down of that LATENCY [s] and BANDWIDTH [B/s].
 * Prints one JSON object: "end" [s], "ends" [s] (of the ranks, workers or flows), "messages", "wall_s" and "cpu_s" (from
 * the creation of the actors to the end of the simulation: the platform is built before), and "peak_bytes" of this
 * process.
 */
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <simgrid/s4u.hpp>
#include <simgrid/version.h>

namespace sg4 = simgrid::s4u;

namespace {

constexpr std::uint64_t element_size = 4;

std::uint64_t messages = 0;
std::vector<double> ends;
int payload = 0; // what is put and got: only its size is simulated

std::vector<sg4::Host*> star(int hosts, double latency, double bandwidth, double memory = 0)
{
  auto* zone = sg4::create_star_zone("star");
  std::vector<sg4::Host*> all;
  for (int index = 0; index < hosts; ++index) {
    const std::string name = "h" + std::to_string(index);
    auto* host = zone->create_host(name, 1e9);
    auto* up   = zone->create_link(name + " up", bandwidth)->set_latency(latency)->seal();
    auto* down = zone->create_link(name + " down", bandwidth)->set_latency(latency)->seal();
    zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr, {sg4::LinkInRoute(up)}, false);
    zone->add_route(nullptr, host->get_netpoint(), nullptr, nullptr, {sg4::LinkInRoute(down)}, false);
    if (memory > 0) {
      auto* inside = zone->create_link(name + " memory", memory)->set_latency(0)->seal();
      zone->add_route(host->get_netpoint(), host->get_netpoint(), nullptr, nullptr, {sg4::LinkInRoute(inside)}, false);
    }
    all.push_back(host);
  }
  zone->seal();
  return all;
}

sg4::Mailbox* between(int source, int target)
{
  return sg4::Mailbox::by_name(std::to_string(source) + ">" + std::to_string(target));
}

void put(sg4::Mailbox* to, std::uint64_t bytes)
{
  to->put(&payload, bytes);
  ++messages;
}

/* Ring: a reduce-scatter and an all-gather of P - 1 rounds; in each, every rank sends one chunk on and gets another.
 * Members are `apart` ranks apart: neighbours, or the first of each host. */
class Ring {
  int rank, ranks; // among the members
  std::uint64_t elements;
  sg4::Mailbox *to, *from;

  std::uint64_t chunk(int index) const // bytes of chunk (index mod P): the first ones are one element longer
  {
    const std::uint64_t place = ((index % ranks) + ranks) % ranks;
    return element_size * (elements / ranks + (place < elements % ranks ? 1 : 0));
  }

public:
  Ring(int rank, int ranks, std::uint64_t elements, int apart = 1)
      : rank(rank), ranks(ranks), elements(elements), to(between(apart * rank, apart * ((rank + 1) % ranks)))
      , from(between(apart * ((rank + ranks - 1) % ranks), apart * rank))
  {
  }

  void all_reduce()
  {
    for (int phase = 0; phase < 2; ++phase)
      for (int round = 0; round < ranks - 1; ++round) {
        int* got      = nullptr;
        auto incoming = from->get_async<int>(&got);
        auto outgoing = to->put_async(&payload, chunk(rank + phase - round));
        ++messages;
        incoming->wait();
        outgoing->wait();
      }
  }
};

/* Binomial tree: reduce to the first rank, broadcast from it, the whole array in each message. */
class Tree {
  std::uint64_t bytes;
  sg4::Mailbox *to_parent = nullptr, *from_parent = nullptr;
  std::vector<sg4::Mailbox*> to_children, from_children; // the nearest child first

public:
  Tree(int rank, int ranks, std::uint64_t elements, int first = 0) : bytes(element_size * elements)
  {
    for (int distance = 1; distance < ranks; distance *= 2) {
      const int me = first + rank;
      if (rank & distance) {
        to_parent   = between(me, me - distance);
        from_parent = between(me - distance, me);
        break;
      }
      if (rank + distance < ranks) {
        to_children.push_back(between(me, me + distance));
        from_children.push_back(between(me + distance, me));
      }
    }
  }

  void reduce()
  {
    for (auto* child : from_children)
      child->get<int>();
    if (to_parent != nullptr)
      put(to_parent, bytes);
  }

  void broadcast()
  {
    if (from_parent != nullptr)
      from_parent->get<int>();
    for (auto child = to_children.rbegin(); child != to_children.rend(); ++child)
      put(*child, bytes);
  }

  void all_reduce()
  {
    reduce();
    broadcast();
  }
};

/* Hierarchical: trees inside each host, and a ring of their first ranks in between. */
class Hierarchical {
  Tree inside;
  std::unique_ptr<Ring> across;

public:
  Hierarchical(int rank, int ranks, std::uint64_t elements, int per_host)
      : inside(rank % per_host, per_host, elements, rank - rank % per_host)
  {
    if (rank % per_host == 0)
      across = std::make_unique<Ring>(rank / per_host, ranks / per_host, elements, per_host);
  }

  void all_reduce()
  {
    inside.reduce();
    if (across)
      across->all_reduce();
    inside.broadcast();
  }
};

template <class Algorithm> void train(Algorithm&& algorithm, int rank, int steps, double compute)
{
  for (int step = 0; step < steps; ++step) {
    if (compute > 0)
      sg4::this_actor::sleep_for(compute);
    algorithm.all_reduce();
  }
  ends[rank] = sg4::Engine::get_clock();
}

void worker(int index, std::uint64_t bytes, int rounds, double stagger)
{
  auto* up   = sg4::Mailbox::by_name("up " + std::to_string(index));
  auto* down = sg4::Mailbox::by_name("down " + std::to_string(index));
  if (index * stagger > 0)
    sg4::this_actor::sleep_for(index * stagger);
  for (int round = 0; round < rounds; ++round) {
    put(up, bytes);
    down->get<int>();
  }
  ends[index] = sg4::Engine::get_clock();
}

void server(int index, std::uint64_t bytes, int rounds)
{
  auto* up   = sg4::Mailbox::by_name("up " + std::to_string(index));
  auto* down = sg4::Mailbox::by_name("down " + std::to_string(index));
  for (int round = 0; round < rounds; ++round) {
    up->get<int>();
    put(down, bytes);
  }
}

struct Flow {
  int source, target;
  std::uint64_t bytes;
};

/* All flows at once, from one actor: nothing but the network is at work. */
void send_all(const std::vector<sg4::Host*>& hosts, const std::vector<Flow>& flows)
{
  std::vector<sg4::CommPtr> started;
  started.reserve(flows.size());
  for (const auto& flow : flows) {
    started.push_back(sg4::Comm::sendto_async(hosts[flow.source], hosts[flow.target], flow.bytes));
    ++messages;
  }
  for (std::size_t index = 0; index < started.size(); ++index) {
    started[index]->wait();
    ends[index] = started[index]->get_finish_time();
  }
}

/* Of this program alone: `ru_maxrss` would count what the process that started it had. */
std::uint64_t peak_bytes()
{
  std::uint64_t kilobytes = 0;
  char line[256];
  if (std::FILE* status = std::fopen("/proc/self/status", "r")) {
    while (std::fgets(line, sizeof line, status))
      if (std::strncmp(line, "VmHWM:", 6) == 0)
        kilobytes = std::strtoull(line + 6, nullptr, 10);
    std::fclose(status);
  }
  return 1024 * kilobytes;
}

double processor_seconds()
{
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

int run(sg4::Engine& engine, const std::function<void()>& create_actors)
{
  const auto begun     = std::chrono::steady_clock::now();
  const double cpu_was = processor_seconds();
  create_actors();
  engine.run();
  const double cpu  = processor_seconds() - cpu_was;
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("{\"end\": %.17g, \"messages\": %llu, \"wall_s\": %.9g, \"cpu_s\": %.9g, \"peak_bytes\": %llu, "
              "\"ends\": [",
              sg4::Engine::get_clock(), static_cast<unsigned long long>(messages), wall, cpu,
              static_cast<unsigned long long>(peak_bytes()));
  for (std::size_t index = 0; index < ends.size(); ++index)
    std::printf("%s%.17g", index == 0 ? "" : ", ", ends[index]);
  std::printf("]}\n");
  return 0;
}

} // namespace

int main(int argc, char** argv)
{
  if (argc == 2 && std::string(argv[1]) == "version") {
    std::printf("%d.%d\n", SIMGRID_VERSION_MAJOR, SIMGRID_VERSION_MINOR);
    return 0;
  }
  sg4::Engine engine(&argc, argv); // takes its own options out of argv
  const std::vector<std::string> given(argv + 1, argv + argc);
  const std::string workload = given.empty() ? "" : given[0];
  if (workload == "all-reduce" && given.size() == 10) {
    const int ranks     = std::stoi(given[2]);
    const int per_host  = std::stoi(given[3]);
    const auto elements = std::stoull(given[4]);
    const int steps     = std::stoi(given[5]);
    const double sleep  = std::stod(given[6]);
    const auto hosts    = star(ranks / per_host, std::stod(given[7]), std::stod(given[8]), std::stod(given[9]));
    ends.resize(ranks);
    return run(engine, [&] {
      for (int rank = 0; rank < ranks; ++rank)
        sg4::Actor::create("rank", hosts[rank / per_host], [&, rank] {
          if (given[1] == "ring")
            train(Ring(rank, ranks, elements), rank, steps, sleep);
          else if (given[1] == "binomial-tree")
            train(Tree(rank, ranks, elements), rank, steps, sleep);
          else
            train(Hierarchical(rank, ranks, elements, per_host), rank, steps, sleep);
        });
    });
  }
  if (workload == "server" && given.size() == 7) {
    const int workers    = std::stoi(given[1]);
    const auto bytes     = std::stoull(given[2]);
    const int rounds     = std::stoi(given[3]);
    const double stagger = std::stod(given[4]);
    const auto hosts     = star(workers + 1, std::stod(given[5]), std::stod(given[6]));
    ends.resize(workers);
    return run(engine, [&] {
      for (int index = 0; index < workers; ++index) {
        sg4::Actor::create("worker", hosts[index], worker, index, bytes, rounds, stagger);
        sg4::Actor::create("server", hosts[workers], server, index, bytes, rounds);
      }
    });
  }
  if (workload == "flows" && given.size() == 4) {
    const auto hosts = star(std::stoi(given[1]), std::stod(given[2]), std::stod(given[3]));
    std::vector<Flow> flows;
    for (Flow flow{}; std::cin >> flow.source >> flow.target >> flow.bytes;)
      flows.push_back(flow);
    ends.resize(flows.size());
    return run(engine, [&] { sg4::Actor::create("sender", hosts[0], send_all, hosts, flows); });
  }
  std::fprintf(stderr, "usage: see the head of the source\n");
  return 2;
}
