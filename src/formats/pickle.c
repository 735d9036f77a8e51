/* A pickle machine that knows data only. The table at the end of this file is the list of opcodes that are allowed;
 * an opcode without an entry refuses the file. Classes are names, calls are nodes, so that what a hostile pickle
 * asks for is never looked up, imported or called.
 *
 *   stack   [ ... MARK ... ]   values; marks are kept apart, and no opcode reaches below the last one
 *   memo    number -> node     a node may be fetched any number of times: a graph, perhaps with cycles
 *
 * A node costs at least a byte of pickle, so nodes are bounded by the file; caps bound them, the links between them
 * and the memo's numbers all the same. Opcodes: CPython, Lib/pickletools.py. */
#include "formats/pickle.h"

enum {
    PICKLE_MAX_NODES = 1 << 22,
    PICKLE_MAX_LINKS = 1 << 23,
    PICKLE_MAX_PROTOCOL = 5,
};

typedef struct Machine {
    const uint8_t *bytes;
    size_t size, at;
    size_t opcode; /* where it lies */
    uint64_t base;
    const char *file;
    Arena *arena;
    PickleNode **stack;
    size_t depth, stack_room;
    size_t *marks; /* stack depths */
    size_t mark_count, mark_room;
    PickleNode **memo;
    size_t memo_room, memo_used;
    size_t nodes, links;
    PickleNode *result; /* of STOP */
    Error *err;
} Machine;

typedef Status (*Operation)(Machine *machine);

static Status damaged(const Machine *machine, const char *what) {
    return error_set_at(machine->err, STATUS_FORMAT, machine->file, (int64_t)(machine->base + machine->opcode),
                        "the pickle is damaged: %s", what);
}

static Status no_memory(const Machine *machine) {
    return error_set(machine->err, STATUS_MEMORY, "not enough memory to read the pickle");
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static Status take(Machine *machine, uint64_t size, const uint8_t **out) {
    if (size > machine->size - machine->at) return damaged(machine, "it ends in the middle of a value");
    *out = machine->bytes + machine->at;
    machine->at += (size_t)size;
    return STATUS_OK;
}

/* Little-endian, 1 to 8 bytes. */
static Status take_number(Machine *machine, int size, uint64_t *out) {
    const uint8_t *bytes = NULL;
    Status status = take(machine, (uint64_t)size, &bytes);
    *out = 0;
    for (int i = 0; i < size && status == STATUS_OK; i++)
        *out |= (uint64_t)bytes[i] << (8 * i);
    return status;
}

/* Up to the next newline, which is passed over. */
static Status take_line(Machine *machine, const char **text, size_t *length) {
    const uint8_t *start = machine->bytes + machine->at;
    const uint8_t *end = memchr(start, '\n', machine->size - machine->at);
    if (!end) return damaged(machine, "it ends in the middle of a line");
    *text = (const char *)start;
    *length = (size_t)(end - start);
    machine->at += *length + 1;
    return STATUS_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static PickleNode *new_node(Machine *machine, PickleKind kind) {
    if (machine->nodes >= PICKLE_MAX_NODES) {
        error_set_at(machine->err, STATUS_UNSUPPORTED, machine->file, (int64_t)(machine->base + machine->opcode),
                     "expected at most %d values in the pickle, found more", PICKLE_MAX_NODES);
        return NULL;
    }
    PickleNode *node = arena_alloc(machine->arena, sizeof(*node));
    if (!node) {
        no_memory(machine);
        return NULL;
    }
    machine->nodes++;
    node->kind = kind;
    return node;
}

/* What went wrong when a node could not be made. */
static Status node_failed(const Machine *machine) {
    return machine->nodes >= PICKLE_MAX_NODES ? STATUS_UNSUPPORTED : STATUS_MEMORY;
}

static Status push(Machine *machine, PickleNode *node) {
    if (!node) return node_failed(machine);
    if (machine->depth >= PICKLE_MAX_LINKS) return damaged(machine, "it leaves too many values behind");
    if (!mem_grow((void **)&machine->stack, &machine->stack_room, machine->depth + 1, sizeof(PickleNode *)))
        return no_memory(machine);
    machine->stack[machine->depth++] = node;
    return STATUS_OK;
}

static Status push_new(Machine *machine, PickleKind kind) {
    return push(machine, new_node(machine, kind));
}

static size_t floor_of(const Machine *machine) {
    return machine->mark_count > 0 ? machine->marks[machine->mark_count - 1] : 0;
}

static Status pop(Machine *machine, PickleNode **out) {
    if (machine->depth <= floor_of(machine)) return damaged(machine, "a value is missing");
    *out = machine->stack[--machine->depth];
    return STATUS_OK;
}

static Status top(Machine *machine, PickleNode **out) {
    if (machine->depth <= floor_of(machine)) return damaged(machine, "a value is missing");
    *out = machine->stack[machine->depth - 1];
    return STATUS_OK;
}

/* The values above the last mark, which is taken away. They stay in the stack's memory until the next push. */
static Status pop_to_mark(Machine *machine, PickleNode ***items, size_t *count) {
    if (machine->mark_count == 0) return damaged(machine, "a mark is missing");
    size_t start = machine->marks[--machine->mark_count];
    *count = machine->depth - start;
    *items = *count > 0 ? machine->stack + start : NULL;
    machine->depth = start;
    return STATUS_OK;
}

static Status add_items(Machine *machine, PickleNode *node, PickleNode *const *items, size_t count) {
    if (count == 0) return STATUS_OK;
    machine->links += count;
    if (machine->links > PICKLE_MAX_LINKS) return damaged(machine, "its lists are too long");
    if (node->count + count > node->room) {
        size_t room = node->count + count > 2 * node->room ? node->count + count : 2 * node->room;
        PickleNode **grown = arena_alloc(machine->arena, room * sizeof(PickleNode *));
        if (!grown) return no_memory(machine);
        if (node->count > 0) memcpy(grown, node->items, node->count * sizeof(PickleNode *));
        node->items = grown;
        node->room = room;
    }
    memcpy(node->items + node->count, items, count * sizeof(PickleNode *));
    node->count += count;
    return STATUS_OK;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static Status push_integer(Machine *machine, PickleKind kind, int64_t value) {
    PickleNode *node = new_node(machine, kind);
    if (node) node->integer = value;
    return push(machine, node);
}

static Status push_text(Machine *machine, PickleKind kind, const void *bytes, size_t length) {
    PickleNode *node = new_node(machine, kind);
    if (node) {
        node->text.bytes = bytes;
        node->text.length = length;
    }
    return push(machine, node);
}

static Status op_none(Machine *machine) {
    return push_new(machine, PICKLE_NONE);
}

static Status op_true(Machine *machine) {
    return push_integer(machine, PICKLE_BOOL, 1);
}

static Status op_false(Machine *machine) {
    return push_integer(machine, PICKLE_BOOL, 0);
}

static Status op_integer(Machine *machine, int size) {
    uint64_t value = 0;
    Status status = take_number(machine, size, &value);
    if (status != STATUS_OK) return status;
    return push_integer(machine, PICKLE_INT, size == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value);
}

static Status op_binint(Machine *machine) {
    return op_integer(machine, 4);
}

static Status op_binint1(Machine *machine) {
    return op_integer(machine, 1);
}

static Status op_binint2(Machine *machine) {
    return op_integer(machine, 2);
}

/* Two's complement, little-endian. */
static Status push_long(Machine *machine, uint64_t size) {
    const uint8_t *bytes = NULL;
    uint64_t value = 0;
    Status status = take(machine, size, &bytes);
    if (status != STATUS_OK) return status;
    if (size > 8) return push_new(machine, PICKLE_OTHER);
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t byte = i < size ? bytes[i] : size > 0 && (bytes[size - 1] & 0x80) ? 0xff : 0;
        value |= byte << (8 * i);
    }
    return push_integer(machine, PICKLE_INT, (int64_t)value);
}

static Status op_long1(Machine *machine) {
    uint64_t size = 0;
    Status status = take_number(machine, 1, &size);
    return status == STATUS_OK ? push_long(machine, size) : status;
}

static Status op_long4(Machine *machine) {
    uint64_t size = 0;
    Status status = take_number(machine, 4, &size);
    return status == STATUS_OK ? push_long(machine, size) : status;
}

/* A number as decimal text: of protocol 0. */
static Status op_decimal(Machine *machine) {
    enum { DIGITS = 64 };
    char text[DIGITS];
    const char *line = NULL;
    size_t length = 0;
    int64_t integer = 0;
    double real = 0.0;
    Status status = take_line(machine, &line, &length);
    if (status != STATUS_OK) return status;
    bool is_float = machine->bytes[machine->opcode] == 'F';
    if (!is_float && length == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1'))
        return push_integer(machine, PICKLE_BOOL, line[1] - '0');
    if (length > 0 && line[length - 1] == 'L') length--;
    if (length >= DIGITS) return push_new(machine, PICKLE_OTHER);
    memcpy(text, line, length);
    text[length] = '\0';
    if (!is_float && text_parse_i64(text, &integer)) return push_integer(machine, PICKLE_INT, integer);
    if (!is_float || !text_parse_f64(text, &real)) return damaged(machine, "a number cannot be read");
    PickleNode *node = new_node(machine, PICKLE_FLOAT);
    if (node) node->real = real;
    return push(machine, node);
}

static Status op_binfloat(Machine *machine) {
    const uint8_t *bytes = NULL;
    Status status = take(machine, 8, &bytes);
    PickleNode *node = status == STATUS_OK ? new_node(machine, PICKLE_FLOAT) : NULL;
    if (status != STATUS_OK) return status;
    if (node) node->real = dtype_to_f64(DTYPE_F64, true, bytes);
    return push(machine, node);
}

/* Strings with their length before them. */
static Status op_counted(Machine *machine, PickleKind kind, int length_size) {
    uint64_t length = 0;
    const uint8_t *bytes = NULL;
    Status status = take_number(machine, length_size, &length);
    if (status == STATUS_OK) status = take(machine, length, &bytes);
    return status == STATUS_OK ? push_text(machine, kind, bytes, (size_t)length) : status;
}

static Status op_text1(Machine *machine) {
    return op_counted(machine, PICKLE_TEXT, 1);
}

static Status op_text4(Machine *machine) {
    return op_counted(machine, PICKLE_TEXT, 4);
}

static Status op_text8(Machine *machine) {
    return op_counted(machine, PICKLE_TEXT, 8);
}

static Status op_bytes1(Machine *machine) {
    return op_counted(machine, PICKLE_BYTES, 1);
}

static Status op_bytes4(Machine *machine) {
    return op_counted(machine, PICKLE_BYTES, 4);
}

static Status op_bytes8(Machine *machine) {
    return op_counted(machine, PICKLE_BYTES, 8);
}

/* Text of protocol 0; its escapes are left as they are. S is in quotes. */
static Status op_text_line(Machine *machine) {
    const char *text = NULL;
    size_t length = 0;
    Status status = take_line(machine, &text, &length);
    if (status != STATUS_OK) return status;
    if (machine->bytes[machine->opcode] == 'S') {
        if (length < 2 || (text[0] != '\'' && text[0] != '"') || text[length - 1] != text[0])
            return damaged(machine, "a string has no quotes");
        text++;
        length -= 2;
    }
    return push_text(machine, PICKLE_TEXT, text, length);
}

/* ---- collections ----------------------------------------------------------------------------- */

static Status op_mark(Machine *machine) {
    if (!mem_grow((void **)&machine->marks, &machine->mark_room, machine->mark_count + 1, sizeof(size_t)))
        return no_memory(machine);
    machine->marks[machine->mark_count++] = machine->depth;
    return STATUS_OK;
}

static Status op_empty_tuple(Machine *machine) {
    return push_new(machine, PICKLE_TUPLE);
}

static Status op_empty_list(Machine *machine) {
    return push_new(machine, PICKLE_LIST);
}

static Status op_empty_dict(Machine *machine) {
    return push_new(machine, PICKLE_DICT);
}

static Status op_empty_set(Machine *machine) {
    return push_new(machine, PICKLE_SET);
}

/* A collection of `count` values that lie above the stack's top. */
static Status push_collection(Machine *machine, PickleKind kind, PickleNode *const *items, size_t count) {
    PickleNode *node = new_node(machine, kind);
    if (!node) return node_failed(machine);
    if (kind == PICKLE_DICT && count % 2 != 0) return damaged(machine, "a dict has a key without a value");
    Status status = add_items(machine, node, items, count);
    return status == STATUS_OK ? push(machine, node) : status;
}

static Status collect(Machine *machine, PickleKind kind) {
    PickleNode **items = NULL;
    size_t count = 0;
    Status status = pop_to_mark(machine, &items, &count);
    return status == STATUS_OK ? push_collection(machine, kind, items, count) : status;
}

static Status op_tuple(Machine *machine) {
    return collect(machine, PICKLE_TUPLE);
}

static Status op_list(Machine *machine) {
    return collect(machine, PICKLE_LIST);
}

static Status op_dict(Machine *machine) {
    return collect(machine, PICKLE_DICT);
}

static Status op_frozenset(Machine *machine) {
    return collect(machine, PICKLE_SET);
}

static Status small_tuple(Machine *machine, size_t count) {
    if (machine->depth - floor_of(machine) < count) return damaged(machine, "a value is missing");
    machine->depth -= count;
    return push_collection(machine, PICKLE_TUPLE, machine->stack + machine->depth, count);
}

static Status op_tuple1(Machine *machine) {
    return small_tuple(machine, 1);
}

static Status op_tuple2(Machine *machine) {
    return small_tuple(machine, 2);
}

static Status op_tuple3(Machine *machine) {
    return small_tuple(machine, 3);
}

/* The collection that members (or entries) of the top are kept in: the top itself, or a part of an object. */
static Status collection_of(Machine *machine, PickleKind kind, PickleNode **out) {
    PickleNode *node = NULL;
    Status status = top(machine, &node);
    if (status != STATUS_OK) return status;
    *out = node;
    if (node->kind == kind) return STATUS_OK;
    if (node->kind != PICKLE_OBJECT) return damaged(machine, "a member is added to what is no collection");
    PickleNode **part = kind == PICKLE_DICT ? &node->object.entries : &node->object.members;
    if (!*part) *part = new_node(machine, kind == PICKLE_DICT ? PICKLE_DICT : PICKLE_LIST);
    *out = *part;
    return *out ? STATUS_OK : node_failed(machine);
}

static Status add_members(Machine *machine, PickleKind kind, PickleNode *const *items, size_t count) {
    PickleNode *collection = NULL;
    Status status = collection_of(machine, kind, &collection);
    if (status == STATUS_OK && kind == PICKLE_DICT && count % 2 != 0)
        status = damaged(machine, "a dict has a key without a value");
    return status == STATUS_OK ? add_items(machine, collection, items, count) : status;
}

static Status op_append(Machine *machine) {
    PickleNode *item = NULL;
    Status status = pop(machine, &item);
    return status == STATUS_OK ? add_members(machine, PICKLE_LIST, &item, 1) : status;
}

static Status op_setitem(Machine *machine) {
    PickleNode *pair[2] = {NULL, NULL};
    Status status = pop(machine, &pair[1]);
    if (status == STATUS_OK) status = pop(machine, &pair[0]);
    return status == STATUS_OK ? add_members(machine, PICKLE_DICT, pair, 2) : status;
}

static Status add_to_mark(Machine *machine, PickleKind kind) {
    PickleNode **items = NULL;
    size_t count = 0;
    Status status = pop_to_mark(machine, &items, &count);
    return status == STATUS_OK ? add_members(machine, kind, items, count) : status;
}

static Status op_appends(Machine *machine) {
    return add_to_mark(machine, PICKLE_LIST);
}

static Status op_setitems(Machine *machine) {
    return add_to_mark(machine, PICKLE_DICT);
}

static Status op_additems(Machine *machine) {
    return add_to_mark(machine, PICKLE_SET);
}

/* ---- memo and stack -------------------------------------------------------------------------- */

static Status put(Machine *machine, uint64_t number) {
    PickleNode *node = NULL;
    Status status = top(machine, &node);
    if (status != STATUS_OK) return status;
    if (number >= PICKLE_MAX_NODES) return damaged(machine, "a memo number is out of range");
    size_t old = machine->memo_room;
    if (!mem_grow((void **)&machine->memo, &machine->memo_room, (size_t)number + 1, sizeof(PickleNode *)))
        return no_memory(machine);
    for (size_t i = old; i < machine->memo_room; i++)
        machine->memo[i] = NULL;
    machine->memo_used += !machine->memo[number];
    machine->memo[number] = node;
    return STATUS_OK;
}

static Status get(Machine *machine, uint64_t number) {
    if (number >= machine->memo_room || !machine->memo[number])
        return damaged(machine, "a memo number was never stored");
    return push(machine, machine->memo[number]);
}

static Status memo_number(Machine *machine, uint64_t *number) {
    int64_t value = -1;
    char text[24];
    const char *line = NULL;
    size_t length = 0;
    switch (machine->bytes[machine->opcode]) {
    case 'q':
    case 'h':
        return take_number(machine, 1, number);
    case 'r':
    case 'j':
        return take_number(machine, 4, number);
    default:
        break;
    }
    Status status = take_line(machine, &line, &length);
    if (status != STATUS_OK) return status;
    snprintf(text, sizeof(text), "%.*s", length < sizeof(text) ? (int)length : 0, line);
    if (!text_parse_i64(text, &value) || value < 0) return damaged(machine, "a memo number cannot be read");
    *number = (uint64_t)value;
    return STATUS_OK;
}

static Status op_put(Machine *machine) {
    uint64_t number = 0;
    Status status = memo_number(machine, &number);
    return status == STATUS_OK ? put(machine, number) : status;
}

static Status op_get(Machine *machine) {
    uint64_t number = 0;
    Status status = memo_number(machine, &number);
    return status == STATUS_OK ? get(machine, number) : status;
}

static Status op_memoize(Machine *machine) {
    return put(machine, machine->memo_used);
}

static Status op_pop(Machine *machine) {
    PickleNode *node = NULL;
    if (machine->mark_count > 0 && machine->depth == floor_of(machine)) {
        machine->mark_count--;
        return STATUS_OK;
    }
    return pop(machine, &node);
}

static Status op_pop_mark(Machine *machine) {
    PickleNode **items = NULL;
    size_t count = 0;
    return pop_to_mark(machine, &items, &count);
}

static Status op_dup(Machine *machine) {
    PickleNode *node = NULL;
    Status status = top(machine, &node);
    return status == STATUS_OK ? push(machine, node) : status;
}

/* ---- classes and objects: names and nodes ---------------------------------------------------- */

static Status push_class(Machine *machine, const char *module, size_t module_length, const char *name,
                         size_t name_length) {
    char *text = arena_alloc(machine->arena, module_length + name_length + 2);
    if (!text) return no_memory(machine);
    memcpy(text, module, module_length);
    text[module_length] = '.';
    memcpy(text + module_length + 1, name, name_length);
    return push_text(machine, PICKLE_CLASS, text, module_length + 1 + name_length);
}

static Status op_global(Machine *machine) {
    const char *module = NULL, *name = NULL;
    size_t module_length = 0, name_length = 0;
    Status status = take_line(machine, &module, &module_length);
    if (status == STATUS_OK) status = take_line(machine, &name, &name_length);
    return status == STATUS_OK ? push_class(machine, module, module_length, name, name_length) : status;
}

static Status op_stack_global(Machine *machine) {
    PickleNode *module = NULL, *name = NULL;
    Status status = pop(machine, &name);
    if (status == STATUS_OK) status = pop(machine, &module);
    if (status != STATUS_OK) return status;
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT) return damaged(machine, "a class has no name");
    return push_class(machine, module->text.bytes, module->text.length, name->text.bytes, name->text.length);
}

static Status push_object(Machine *machine, PickleNode *entries) {
    PickleNode *callable = NULL, *arguments = NULL;
    Status status = pop(machine, &arguments);
    if (status == STATUS_OK) status = pop(machine, &callable);
    if (status != STATUS_OK) return status;
    PickleNode *node = new_node(machine, PICKLE_OBJECT);
    if (node) {
        node->object.callable = callable;
        node->object.arguments = arguments;
        node->object.entries = entries;
    }
    return push(machine, node);
}

static Status op_object(Machine *machine) {
    return push_object(machine, NULL);
}

/* With keyword arguments. */
static Status op_newobj_ex(Machine *machine) {
    PickleNode *keywords = NULL;
    Status status = pop(machine, &keywords);
    if (status != STATUS_OK) return status;
    return push_object(machine, keywords->kind == PICKLE_DICT && keywords->count > 0 ? keywords : NULL);
}

static Status op_build(Machine *machine) {
    PickleNode *state = NULL, *node = NULL;
    Status status = pop(machine, &state);
    if (status == STATUS_OK) status = top(machine, &node);
    if (status == STATUS_OK && node->kind == PICKLE_OBJECT) node->object.state = state;
    return status;
}

static Status op_persistent(Machine *machine) {
    PickleNode *name = NULL;
    Status status = pop(machine, &name);
    if (status != STATUS_OK) return status;
    PickleNode *node = new_node(machine, PICKLE_PERSISTENT);
    if (node) node->object.arguments = name;
    return push(machine, node);
}

/* ---- the machine ----------------------------------------------------------------------------- */

static Status op_protocol(Machine *machine) {
    uint64_t protocol = 0;
    Status status = take_number(machine, 1, &protocol);
    if (status == STATUS_OK && protocol > PICKLE_MAX_PROTOCOL)
        return error_set_at(machine->err, STATUS_UNSUPPORTED, machine->file, (int64_t)(machine->base + machine->opcode),
                            "expected a pickle of protocol 0 to %d, found %llu", PICKLE_MAX_PROTOCOL,
                            (unsigned long long)protocol);
    return status;
}

static Status op_frame(Machine *machine) {
    uint64_t size = 0;
    return take_number(machine, 8, &size);
}

static Status op_stop(Machine *machine) {
    return pop(machine, &machine->result);
}

/* Everything that is allowed. Not here: i o (calls of protocol 0), 0x82-0x84 (the extension registry), P (persistent
 * ids as text), 0x97 0x98 (buffers outside the pickle). */
static const Operation OPERATIONS[256] = {
    ['('] = op_mark,          ['.'] = op_stop,       ['0'] = op_pop,        ['1'] = op_pop_mark,
    ['2'] = op_dup,           ['F'] = op_decimal,    ['I'] = op_decimal,    ['L'] = op_decimal,
    ['J'] = op_binint,        ['K'] = op_binint1,    ['M'] = op_binint2,    ['N'] = op_none,
    ['G'] = op_binfloat,      ['S'] = op_text_line,  ['V'] = op_text_line,  ['T'] = op_text4,
    ['U'] = op_text1,         ['X'] = op_text4,      ['B'] = op_bytes4,     ['C'] = op_bytes1,
    [')'] = op_empty_tuple,   [']'] = op_empty_list, ['}'] = op_empty_dict, ['t'] = op_tuple,
    ['l'] = op_list,          ['d'] = op_dict,       ['a'] = op_append,     ['e'] = op_appends,
    ['s'] = op_setitem,       ['u'] = op_setitems,   ['p'] = op_put,        ['q'] = op_put,
    ['r'] = op_put,           ['g'] = op_get,        ['h'] = op_get,        ['j'] = op_get,
    ['c'] = op_global,        ['R'] = op_object,     ['b'] = op_build,      ['Q'] = op_persistent,
    [0x80] = op_protocol,     [0x81] = op_object,    [0x85] = op_tuple1,    [0x86] = op_tuple2,
    [0x87] = op_tuple3,       [0x88] = op_true,      [0x89] = op_false,     [0x8a] = op_long1,
    [0x8b] = op_long4,        [0x8c] = op_text1,     [0x8d] = op_text8,     [0x8e] = op_bytes8,
    [0x8f] = op_empty_set,    [0x90] = op_additems,  [0x91] = op_frozenset, [0x92] = op_newobj_ex,
    [0x93] = op_stack_global, [0x94] = op_memoize,   [0x95] = op_frame,     [0x96] = op_bytes8,
};

static Status run(Machine *machine) {
    Status status = STATUS_OK;
    while (status == STATUS_OK && !machine->result) {
        if (machine->at >= machine->size) return damaged(machine, "it has no end");
        machine->opcode = machine->at;
        Operation operation = OPERATIONS[machine->bytes[machine->at++]];
        if (!operation)
            return error_set_at(machine->err, STATUS_UNSUPPORTED, machine->file,
                                (int64_t)(machine->base + machine->opcode),
                                "expected a pickle of plain data, found the opcode 0x%02x, which is not allowed here",
                                machine->bytes[machine->opcode]);
        status = operation(machine);
    }
    return status;
}

Status pickle_parse(const uint8_t *bytes, size_t size, uint64_t base, const char *file, Arena *arena, PickleNode **root,
                    Error *err) {
    Machine machine = {.bytes = bytes, .size = size, .base = base, .file = file, .arena = arena, .err = err};
    Status status = run(&machine);
    *root = machine.result;
    mem_free(machine.stack);
    mem_free(machine.marks);
    mem_free(machine.memo);
    return status;
}

bool pickle_is(const PickleNode *node, const char *text) {
    return node && (node->kind == PICKLE_TEXT || node->kind == PICKLE_CLASS) && node->text.length == strlen(text) &&
           !memcmp(node->text.bytes, text, node->text.length);
}

PickleNode *pickle_item(const PickleNode *node, size_t index) {
    if (!node || (node->kind != PICKLE_TUPLE && node->kind != PICKLE_LIST) || index >= node->count) return NULL;
    return node->items[index];
}
