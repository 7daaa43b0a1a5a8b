/* FairShares: groups of flows that share resources max-min fairly, kept up to date as flows come and go.
 *
 * This is `PlainFairShares` of simulator/network/fair_shares.py with `max_min_rates` of simulator/network/max_min.py, in
 * C; what it does and why is explained there. Both do the same arithmetic in the same order, so that a simulation gives
 * the same numbers to the last digit with and without this file: change neither without the other. (Compile without
 * contraction of a * b + c into one rounding, as hatch_build.py does.)
 *
 * It is optional. It exists because each departure from a network of a thousand flows gives hundreds of others a new
 * rate: some ten microseconds here, a millisecond and more in Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>

#define INTERFACE 1 /* of fair_shares.py: an extension made for another one is not used */

typedef struct {
    double capacity;
    int *groups; /* its users, in the order in which they came */
    int users, room;
    char touched, joined;
    /* while solving */
    long long visit;
    double free, load;
} Resource;

typedef struct {
    int *resources; /* NULL: the number is not in use */
    int crossed;
    double cap, count;
    double rate, level, since, service, target, end;
    int place; /* in the heap of ends; -1 outside */
    long long stamp; /* counts up with each group that comes to its resources */
    /* while solving */
    long long visit;
    char frozen;
} Group;

/* Something that happens as rates rise: a resource fills up, or a group reaches its cap. */
typedef struct {
    double at;
    long long order; /* of events at one level */
    int which;       /* number of the resource, or -1 - number of the group */
} Event;

typedef struct {
    PyObject_HEAD
    int incremental;
    long long solves, solved_flows, visit, stamp;
    double level; /* nothing that froze below it was affected by what left since the last solve */
    Resource *resources;
    int resource_count, resource_room;
    Group *groups;
    int group_count, group_room;
    int *unused; /* numbers of removed groups, the last removed one given out first */
    int unused_count;
    int *touched, touched_count; /* room for as many as there are resources */
    int *joined, joined_count;
    int *ends, end_count; /* heap of groups by `end`; room for as many as there are groups, as below */
    int *found_resources, *found_groups;
    Event *events; /* room for resources and groups */
} FairShares;

/* Arrays that grow */

static int grow(void *array, int *room, int needed, size_t size) {
    if (needed <= *room) return 0;
    int more = *room ? 2 * *room : 8;
    if (more < needed) more = needed;
    void *larger = PyMem_Realloc(*(void **)array, (size_t)more * size);
    if (larger == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *(void **)array = larger;
    *room = more;
    return 0;
}

/* Room in an array that goes along with the resources or the groups. */
static int resize(void *array, size_t room, size_t size) {
    void *larger = PyMem_Realloc(*(void **)array, room * size);
    if (larger == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *(void **)array = larger;
    return 0;
}

static int resize_events(FairShares *self) {
    return resize(&self->events, (size_t)self->resource_room + (size_t)self->group_room, sizeof(Event));
}

/* The heap of ends: of group numbers, which know their places in it. */

static void put_end(FairShares *self, int place, int group) {
    self->ends[place] = group;
    self->groups[group].place = place;
}

static void rise(FairShares *self, int place, int group) {
    double end = self->groups[group].end;
    while (place > 0) {
        int above = self->ends[(place - 1) / 2];
        if (self->groups[above].end <= end) break;
        put_end(self, place, above);
        place = (place - 1) / 2;
    }
    put_end(self, place, group);
}

static void sink(FairShares *self, int place, int group) {
    double end = self->groups[group].end;
    for (;;) {
        int child = 2 * place + 1;
        if (child >= self->end_count) break;
        if (child + 1 < self->end_count
            && self->groups[self->ends[child + 1]].end < self->groups[self->ends[child]].end)
            child++;
        if (end <= self->groups[self->ends[child]].end) break;
        put_end(self, place, self->ends[child]);
        place = child;
    }
    put_end(self, place, group);
}

static void set_end(FairShares *self, int number, double end) {
    Group *group = &self->groups[number];
    if (end == group->end) return;
    int earlier = end < group->end;
    group->end = end;
    if (end == INFINITY) { /* out of the heap; the last one takes its place */
        int place = group->place, last = self->ends[--self->end_count];
        group->place = -1;
        if (last != number) {
            rise(self, place, last);
            sink(self, self->groups[last].place, last);
        }
    } else if (group->place < 0) {
        rise(self, self->end_count++, number);
    } else if (earlier) {
        rise(self, group->place, number);
    } else {
        sink(self, group->place, number);
    }
}

static void announce(FairShares *self, int number) {
    Group *group = &self->groups[number];
    set_end(self, number,
            group->rate > 0.0 ? group->since + (group->target - group->service) / group->rate : INFINITY);
}

/* Notes of what has changed */

static void touch(FairShares *self, int resource) {
    if (!self->resources[resource].touched) {
        self->resources[resource].touched = 1;
        self->touched[self->touched_count++] = resource;
    }
}

static void touch_joined(FairShares *self, int resource) {
    touch(self, resource);
    if (!self->resources[resource].joined) {
        self->resources[resource].joined = 1;
        self->joined[self->joined_count++] = resource;
    }
}

static void affect_from(FairShares *self, double level) {
    if (level < self->level) self->level = level;
}

static int attach(FairShares *self, int number, PyObject *sequence) {
    Group *group = &self->groups[number];
    PyObject *fast = PySequence_Fast(sequence, "resources: expected a sequence of numbers");
    if (fast == NULL) return -1;
    int crossed = (int)PySequence_Fast_GET_SIZE(fast);
    if (resize(&group->resources, (size_t)crossed + 1, sizeof(int))) goto failed;
    group->crossed = 0;
    group->stamp = self->stamp++;
    for (int i = 0; i < crossed; i++) {
        long which = PyLong_AsLong(PySequence_Fast_GET_ITEM(fast, i));
        if (which < 0 || which >= self->resource_count) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "no such resource");
            goto failed;
        }
        Resource *resource = &self->resources[which];
        if (grow(&resource->groups, &resource->room, resource->users + 1, sizeof(int))) goto failed;
        resource->groups[resource->users++] = number;
        group->resources[group->crossed++] = (int)which;
        touch_joined(self, (int)which);
    }
    Py_DECREF(fast);
    return 0;
failed:
    Py_DECREF(fast);
    return -1;
}

static void detach(FairShares *self, int number) {
    Group *group = &self->groups[number];
    affect_from(self, group->level);
    for (int i = 0; i < group->crossed; i++) {
        Resource *resource = &self->resources[group->resources[i]];
        int at = 0;
        while (resource->groups[at] != number) at++;
        resource->users--;
        memmove(&resource->groups[at], &resource->groups[at + 1], (size_t)(resource->users - at) * sizeof(int));
        touch(self, group->resources[i]);
    }
    group->crossed = 0;
}

/* Solving */

static double fills_up_at(FairShares *self, Resource *resource) {
    double level = 0.0;
    for (;;) {
        double left = resource->capacity, load = 0.0;
        for (int i = 0; i < resource->users; i++) {
            Group *group = &self->groups[resource->groups[i]];
            double most = group->level < group->cap ? group->level : group->cap;
            if (most <= level)
                left -= most * group->count;
            else
                load += group->count;
        }
        if (load == 0.0) return INFINITY;
        if (left / load <= level) return level;
        level = left / load;
    }
}

static int before(Event one, Event other) {
    return one.at < other.at || (one.at == other.at && one.order < other.order);
}

static void sink_event(Event *events, int count, int place, Event event) {
    for (;;) {
        int child = 2 * place + 1;
        if (child >= count) break;
        if (child + 1 < count && before(events[child + 1], events[child])) child++;
        if (before(event, events[child])) break;
        events[place] = events[child];
        place = child;
    }
    events[place] = event;
}

static void freeze(FairShares *self, int number, double rate, double now) {
    Group *group = &self->groups[number];
    group->frozen = 1;
    for (int i = 0; i < group->crossed; i++) {
        Resource *resource = &self->resources[group->resources[i]];
        resource->free -= rate * group->count;
        resource->load -= group->count;
    }
    group->level = rate;
    if (rate != group->rate) { /* else keep `since`: such a flow ends at exactly start + size / rate */
        group->service += group->rate * (now - group->since);
        group->since = now;
        group->rate = rate;
        announce(self, number);
    }
}

static void fill(FairShares *self, int resources, int groups, double level, double now) {
    Event *events = self->events;
    int count = 0;
    for (int i = 0; i < resources; i++) {
        Resource *resource = &self->resources[self->found_resources[i]];
        if (resource->load > 0.0)
            events[count++] = (Event){resource->free / resource->load, i, self->found_resources[i]};
    }
    for (int i = 0; i < groups; i++) {
        Group *group = &self->groups[self->found_groups[i]];
        if (group->cap < INFINITY)
            events[count++] = (Event){group->cap, resources + group->stamp, -1 - self->found_groups[i]};
    }
    for (int i = count / 2 - 1; i >= 0; i--) sink_event(events, count, i, events[i]);
    while (count) {
        Event event = events[0];
        if (event.which < 0) {
            int number = -1 - event.which;
            count--;
            if (count) sink_event(events, count, 0, events[count]);
            if (!self->groups[number].frozen) freeze(self, number, event.at, now);
            continue;
        }
        Resource *resource = &self->resources[event.which];
        if (resource->load <= 0.0) {
            count--;
            if (count) sink_event(events, count, 0, events[count]);
            continue;
        }
        double share = resource->free / resource->load;
        if (share > event.at) {
            sink_event(events, count, 0, (Event){share, event.order, event.which});
            continue;
        }
        if (share > level) level = share; /* it never falls, but by rounding */
        for (int i = 0; i < resource->users; i++) {
            Group *group = &self->groups[resource->groups[i]];
            if (group->visit == self->visit && !group->frozen)
                freeze(self, resource->groups[i], level < group->cap ? level : group->cap, now);
        }
    }
}

static void solve(FairShares *self, double now) {
    double level = 0.0;
    if (self->incremental) {
        level = self->level;
        for (int i = 0; i < self->joined_count; i++) {
            double filled = fills_up_at(self, &self->resources[self->joined[i]]);
            if (filled < level) level = filled;
        }
    }
    long long visit = ++self->visit;
    int resources = self->touched_count, groups = 0;
    for (int i = 0; i < resources; i++) {
        self->found_resources[i] = self->touched[i];
        self->resources[self->touched[i]].visit = visit;
        self->resources[self->touched[i]].touched = 0;
    }
    for (int i = 0; i < self->joined_count; i++) self->resources[self->joined[i]].joined = 0;
    self->touched_count = self->joined_count = 0;
    self->level = INFINITY;
    for (int i = 0; i < resources; i++) { /* `resources` grows while we walk */
        Resource *resource = &self->resources[self->found_resources[i]];
        resource->free = resource->capacity;
        resource->load = 0.0;
        for (int j = 0; j < resource->users; j++) {
            Group *group = &self->groups[resource->groups[j]];
            if (group->level < level) {
                resource->free -= group->rate * group->count;
                continue;
            }
            resource->load += group->count;
            if (group->visit == visit) continue;
            group->visit = visit;
            group->frozen = 0;
            self->found_groups[groups++] = resource->groups[j];
            self->solved_flows += (long long)group->count;
            for (int k = 0; k < group->crossed; k++) {
                Resource *other = &self->resources[group->resources[k]];
                if (other->visit != visit) {
                    other->visit = visit;
                    self->found_resources[resources++] = group->resources[k];
                }
            }
        }
    }
    if (groups) {
        self->solves++;
        fill(self, resources, groups, level, now);
    }
}

/* What Python sees */

static Group *group_of(FairShares *self, PyObject *argument) {
    long number = PyLong_AsLong(argument);
    if (number < 0 || number >= self->group_count || self->groups[number].resources == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "no such group");
        return NULL;
    }
    return &self->groups[number];
}

static int expect(Py_ssize_t given, Py_ssize_t wanted) {
    if (given == wanted) return 0;
    PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", wanted, given);
    return -1;
}

static PyObject *add_resource(FairShares *self, PyObject *argument) {
    double capacity = PyFloat_AsDouble(argument);
    if (PyErr_Occurred()) return NULL;
    if (self->resource_count == self->resource_room) {
        if (grow(&self->resources, &self->resource_room, self->resource_count + 1, sizeof(Resource))) return NULL;
        size_t room = (size_t)self->resource_room;
        if (resize(&self->touched, room, sizeof(int)) || resize(&self->joined, room, sizeof(int))
            || resize(&self->found_resources, room, sizeof(int)) || resize_events(self))
            return NULL;
    }
    self->resources[self->resource_count] = (Resource){.capacity = capacity};
    return PyLong_FromLong(self->resource_count++);
}

static PyObject *set_capacity(FairShares *self, PyObject *const *args, Py_ssize_t given) {
    if (expect(given, 2)) return NULL;
    long which = PyLong_AsLong(args[0]);
    double capacity = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred()) return NULL;
    if (which < 0 || which >= self->resource_count) {
        PyErr_SetString(PyExc_IndexError, "no such resource");
        return NULL;
    }
    Resource *resource = &self->resources[which];
    if (capacity != resource->capacity) {
        resource->capacity = capacity;
        touch_joined(self, (int)which);
        for (int i = 0; i < resource->users; i++) affect_from(self, self->groups[resource->groups[i]].level);
    }
    Py_RETURN_NONE;
}

static PyObject *add_group(FairShares *self, PyObject *const *args, Py_ssize_t given) {
    if (expect(given, 4)) return NULL;
    double cap = PyFloat_AsDouble(args[1]), since = PyFloat_AsDouble(args[2]), rate = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return NULL;
    int number;
    if (self->unused_count) {
        number = self->unused[--self->unused_count];
    } else {
        if (self->group_count == self->group_room) {
            if (grow(&self->groups, &self->group_room, self->group_count + 1, sizeof(Group))) return NULL;
            size_t room = (size_t)self->group_room;
            if (resize(&self->unused, room, sizeof(int)) || resize(&self->ends, room, sizeof(int))
                || resize(&self->found_groups, room, sizeof(int)) || resize_events(self))
                return NULL;
        }
        number = self->group_count++;
    }
    self->groups[number] = (Group){.cap = cap, .since = since, .rate = rate, .level = INFINITY, .target = INFINITY,
                                   .end = INFINITY, .place = -1};
    if (attach(self, number, args[0])) return NULL;
    return PyLong_FromLong(number);
}

static PyObject *move_group(FairShares *self, PyObject *const *args, Py_ssize_t given) {
    if (expect(given, 3)) return NULL;
    Group *group = group_of(self, args[0]);
    double cap = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return NULL;
    int number = (int)(group - self->groups);
    detach(self, number);
    group->cap = cap;
    if (attach(self, number, args[1])) return NULL;
    Py_RETURN_NONE;
}

static PyObject *remove_group(FairShares *self, PyObject *argument) {
    Group *group = group_of(self, argument);
    if (group == NULL) return NULL;
    int number = (int)(group - self->groups);
    detach(self, number);
    set_end(self, number, INFINITY);
    PyMem_Free(group->resources);
    group->resources = NULL;
    self->unused[self->unused_count++] = number;
    Py_RETURN_NONE;
}

static PyObject *set_members(FairShares *self, PyObject *const *args, Py_ssize_t given) {
    if (expect(given, 3)) return NULL;
    Group *group = group_of(self, args[0]);
    double count = PyFloat_AsDouble(args[1]), target = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return NULL;
    if (count != group->count) {
        for (int i = 0; i < group->crossed; i++) {
            if (count > group->count)
                touch_joined(self, group->resources[i]);
            else
                touch(self, group->resources[i]);
        }
        if (count < group->count) affect_from(self, group->level);
        group->count = count;
    }
    group->target = target;
    announce(self, (int)(group - self->groups));
    Py_RETURN_NONE;
}

static PyObject *progress(FairShares *self, PyObject *argument) {
    Group *group = group_of(self, argument);
    if (group == NULL) return NULL;
    return Py_BuildValue("(ddd)", group->service, group->since, group->rate);
}

static PyObject *rebase(FairShares *self, PyObject *argument) {
    Group *group = group_of(self, argument);
    if (group == NULL) return NULL;
    double service = group->service;
    group->service = 0.0;
    group->target -= service;
    return PyFloat_FromDouble(service);
}

static PyObject *solve_now(FairShares *self, PyObject *argument) {
    double now = PyFloat_AsDouble(argument);
    if (PyErr_Occurred()) return NULL;
    if (self->touched_count) solve(self, now);
    return PyFloat_FromDouble(self->end_count ? self->groups[self->ends[0]].end : INFINITY);
}

static PyObject *due(FairShares *self, PyObject *argument) {
    double horizon = PyFloat_AsDouble(argument);
    PyObject *found = PyErr_Occurred() ? NULL : PyList_New(0);
    if (found == NULL) return NULL;
    while (self->end_count && self->groups[self->ends[0]].end <= horizon) {
        int number = self->ends[0];
        Group *group = &self->groups[number];
        set_end(self, number, INFINITY);
        double served = group->service + group->rate * (horizon - group->since);
        PyObject *entry = Py_BuildValue("(id)", number, served > group->target ? served : group->target);
        if (entry == NULL || PyList_Append(found, entry)) {
            Py_XDECREF(entry);
            Py_DECREF(found);
            return NULL;
        }
        Py_DECREF(entry);
    }
    if (PyList_GET_SIZE(found) > 1 && PyList_Sort(found)) Py_CLEAR(found);
    return found;
}

static PyObject *new_shares(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"incremental", NULL};
    int incremental = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|p", names, &incremental)) return NULL;
    FairShares *self = (FairShares *)type->tp_alloc(type, 0); /* all zero */
    if (self == NULL) return NULL;
    self->incremental = incremental;
    self->level = INFINITY;
    return (PyObject *)self;
}

static void forget(FairShares *self) {
    for (int i = 0; i < self->resource_count; i++) PyMem_Free(self->resources[i].groups);
    for (int i = 0; i < self->group_count; i++) PyMem_Free(self->groups[i].resources);
    void *arrays[] = {self->resources, self->groups, self->unused,          self->touched,     self->joined,
                      self->ends,      self->events, self->found_resources, self->found_groups};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) PyMem_Free(arrays[i]);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

#define METHOD(name, function, how) {name, (PyCFunction)(void (*)(void))(function), how, NULL}

static PyMethodDef methods[] = {
    METHOD("add_resource", add_resource, METH_O), METHOD("set_capacity", set_capacity, METH_FASTCALL),
    METHOD("add_group", add_group, METH_FASTCALL), METHOD("move_group", move_group, METH_FASTCALL),
    METHOD("remove_group", remove_group, METH_O), METHOD("set_members", set_members, METH_FASTCALL),
    METHOD("progress", progress, METH_O), METHOD("rebase", rebase, METH_O),
    METHOD("solve", solve_now, METH_O), METHOD("due", due, METH_O),
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"solves", T_LONGLONG, offsetof(FairShares, solves), READONLY, NULL},
    {"solved_flows", T_LONGLONG, offsetof(FairShares, solved_flows), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "See simulator.network.fair_shares.FairShares."},
    {Py_tp_new, new_shares},
    {Py_tp_dealloc, forget},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {"clustersim_native.FairShares", sizeof(FairShares), 0, Py_TPFLAGS_DEFAULT, slots};

static int fill_module(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL || PyModule_AddObjectRef(module, "FairShares", type)) return -1;
    Py_DECREF(type);
    if (PyModule_AddStringConstant(module, "__version__", "1")) return -1;
    return PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "clustersim_native",
    .m_doc = "The compiled part of clustersim: max-min sharing of links. Optional.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_clustersim_native(void) { return PyModuleDef_Init(&module); }
