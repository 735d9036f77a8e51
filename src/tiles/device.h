/* device: a worker's side of PoolDevice (tiles.h has the owner's). Inside tiles only. */
#ifndef ATTNSCOPE_TILES_DEVICE_H
#define ATTNSCOPE_TILES_DEVICE_H

#include "tiles/internal.h"

DeviceParams tiles_device_params(PoolDevice *device); /* operand_bytes 0: nobody computes there */
/* A task to be filled, zeroed; NULL: all are in use. Released by end, which any thread that began one must call. */
DeviceTask *tiles_device_begin(PoolDevice *device);
void tiles_device_end(PoolDevice *device, DeviceTask *task);
uint64_t tiles_device_id(PoolDevice *device); /* for operands: another one each time */
/* Memory that stays with the task, at least so long; NULL: memory is short. */
typedef enum DeviceRoom { DEVICE_QUERIES, DEVICE_KEYS, DEVICE_NUMBERS, DEVICE_OUT } DeviceRoom;
float *tiles_device_room(DeviceTask *task, DeviceRoom room, size_t floats);
/* Hands the task over and waits. STATUS_CANCELLED: the task must not be touched again (but ended).
 * STATUS_UNSUPPORTED: nobody took it. */
Status tiles_device_run(PoolDevice *device, DeviceTask *task, const CancelFlag *cancel);

#endif
