/* Between workers and the thread that owns a GPU: a few slots, each with room for the operands of one task.
 *
 *   worker: begin -> [fills the slot] -> run ...... waits ...... -> [reads the result] -> run ... -> end
 *   owner:                                take -> [computes] -> finish
 *
 * A worker that must not wait any longer (its job was cancelled; nobody took the task) goes its way: a slot that the
 * owner still works on is free again when the owner is done with it, so nobody's memory goes while it is in use, and
 * the owner may wait for workers to end without either waiting for the other. */
#include "tiles/device.h"
#include "tiles/fused.h"

#include <string.h>

enum { SLOTS = 4 };
#define LOOK_NS UINT64_C(2000000)    /* between two looks at the cancel flag */
#define TAKE_NS UINT64_C(1000000000) /* the owner is busy otherwise: the worker computes the tile itself */

typedef enum SlotState { SLOT_FREE, SLOT_HELD, SLOT_QUEUED, SLOT_TAKEN, SLOT_ABANDONED, SLOT_DONE } SlotState;

typedef struct Slot {
    DeviceTask task; /* first: a DeviceTask * from here is a Slot * */
    SlotState state;
    Status status; /* of what is done */
    uint64_t turn;
    AlignedRoom queries, keys, numbers, out;
} Slot;

struct PoolDevice {
    Mutex *mutex;
    Cond *done;
    DeviceParams params; /* operand_bytes 0: closed */
    uint64_t turn, ids;
    Slot slots[SLOTS];
    DeviceStats stats;
};

/* ---- life ------------------------------------------------------------------------------------ */

PoolDevice *tiles_device_new(void) {
    PoolDevice *device = mem_alloc_zeroed(1, sizeof *device);
    if (device == NULL) {
        return NULL;
    }
    device->mutex = mutex_new();
    device->done = cond_new();
    if (device->mutex == NULL || device->done == NULL) {
        tiles_device_drop(device);
        return NULL;
    }
    return device;
}

void tiles_device_drop(PoolDevice *device) {
    if (device == NULL) {
        return;
    }
    for (int i = 0; i < SLOTS; i++) {
        AlignedRoom *const rooms[] = {&device->slots[i].queries, &device->slots[i].keys, &device->slots[i].numbers,
                                      &device->slots[i].out};
        for (size_t r = 0; r < BASE_COUNT(rooms); r++) {
            mem_free(rooms[r]->memory);
        }
    }
    cond_drop(device->done);
    mutex_drop(device->mutex);
    mem_free(device);
}

/* ---- the owner's side ------------------------------------------------------------------------ */

void tiles_device_open(PoolDevice *device, const DeviceParams *params) {
    mutex_lock(device->mutex);
    device->params = params != NULL ? *params : (DeviceParams){0};
    for (int i = 0; i < SLOTS && device->params.operand_bytes == 0; i++) {
        if (device->slots[i].state == SLOT_QUEUED) {
            device->slots[i].state = SLOT_DONE;
            device->slots[i].status = STATUS_UNSUPPORTED;
        }
    }
    cond_broadcast(device->done);
    mutex_unlock(device->mutex);
}

DeviceTask *tiles_device_take(PoolDevice *device) {
    Slot *first = NULL;
    if (!mutex_try_lock(device->mutex)) {
        return NULL;
    }
    for (int i = 0; i < SLOTS; i++) {
        Slot *slot = &device->slots[i];
        if (slot->state == SLOT_QUEUED && (first == NULL || slot->turn < first->turn)) {
            first = slot;
        }
    }
    if (first != NULL) {
        first->state = SLOT_TAKEN;
    }
    mutex_unlock(device->mutex);
    return first != NULL ? &first->task : NULL;
}

bool tiles_device_wanted(PoolDevice *device, const DeviceTask *task) {
    mutex_lock(device->mutex);
    bool wanted = ((const Slot *)task)->state == SLOT_TAKEN;
    mutex_unlock(device->mutex);
    return wanted;
}

void tiles_device_finish(PoolDevice *device, DeviceTask *task, Status status) {
    Slot *slot = (Slot *)task;
    mutex_lock(device->mutex);
    slot->status = status;
    slot->state = slot->state == SLOT_ABANDONED ? SLOT_FREE : SLOT_DONE;
    *(status == STATUS_OK ? &device->stats.done : &device->stats.refused) += 1;
    cond_broadcast(device->done);
    mutex_unlock(device->mutex);
}

DeviceStats tiles_device_stats(PoolDevice *device) {
    mutex_lock(device->mutex);
    DeviceStats stats = device->stats;
    mutex_unlock(device->mutex);
    return stats;
}

/* ---- a worker's side ------------------------------------------------------------------------- */

DeviceParams tiles_device_params(PoolDevice *device) {
    mutex_lock(device->mutex);
    DeviceParams params = device->params;
    mutex_unlock(device->mutex);
    return params;
}

DeviceTask *tiles_device_begin(PoolDevice *device) {
    Slot *found = NULL;
    mutex_lock(device->mutex);
    for (int i = 0; i < SLOTS && found == NULL && device->params.operand_bytes > 0; i++) {
        found = device->slots[i].state == SLOT_FREE ? &device->slots[i] : NULL;
    }
    if (found != NULL) {
        found->state = SLOT_HELD;
        found->task = (DeviceTask){0};
    }
    mutex_unlock(device->mutex);
    return found != NULL ? &found->task : NULL;
}

uint64_t tiles_device_id(PoolDevice *device) {
    mutex_lock(device->mutex);
    uint64_t id = ++device->ids;
    mutex_unlock(device->mutex);
    return id;
}

float *tiles_device_room(DeviceTask *task, DeviceRoom room, size_t floats) {
    Slot *slot = (Slot *)task;
    AlignedRoom *const rooms[] = {&slot->queries, &slot->keys, &slot->numbers, &slot->out};
    return tiles_aligned(rooms[room], floats, sizeof(float));
}

Status tiles_device_run(PoolDevice *device, DeviceTask *task, const CancelFlag *cancel) {
    Slot *slot = (Slot *)task;
    Clock clock = clock_system();
    uint64_t start = clock_now_ns(&clock);
    Status status = STATUS_OK;
    mutex_lock(device->mutex);
    bool open = device->params.operand_bytes > 0;
    DeviceParams params = device->params;
    slot->turn = ++device->turn;
    slot->state = open ? SLOT_QUEUED : SLOT_HELD;
    mutex_unlock(device->mutex);
    if (!open) {
        return STATUS_UNSUPPORTED;
    }
    if (params.wake != NULL) {
        params.wake(params.wake_user);
    }
    mutex_lock(device->mutex);
    while (slot->state != SLOT_DONE && status == STATUS_OK) {
        cond_wait_for(device->done, device->mutex, LOOK_NS);
        if (slot->state == SLOT_DONE) {
            break;
        }
        if (cancel_requested(cancel)) {
            status = STATUS_CANCELLED;
        } else if (slot->state == SLOT_QUEUED && clock_now_ns(&clock) - start > TAKE_NS) {
            status = STATUS_UNSUPPORTED;
        }
    }
    if (slot->state == SLOT_DONE) {
        status = slot->status;
        slot->state = SLOT_HELD;
    } else {
        slot->state = slot->state == SLOT_TAKEN ? SLOT_ABANDONED : SLOT_HELD;
    }
    mutex_unlock(device->mutex);
    return status;
}

void tiles_device_end(PoolDevice *device, DeviceTask *task) {
    Slot *slot = (Slot *)task;
    mutex_lock(device->mutex);
    if (slot->state == SLOT_HELD) {
        slot->state = SLOT_FREE;
    }
    mutex_unlock(device->mutex);
}
