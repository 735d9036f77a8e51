#include "session/rooms.h"
#include "test_app.h"

const Catalog *const ROOM = &CATALOG;
