/* Commands of tours, and the camera as a tour says it. */
#include "features/camera.h"
#include "features/parts.h"
#include "features/record/record_parts.h"
#include "session/property.h"

#include <string.h>

/* ---- tours and the camera -------------------------------------------------------------------- */

static bool cmd_tour(App *app, const char *args, Error *err) {
    if (record_tour_playing(app) && (!args[0] || !strcmp(args, "stop"))) {
        record_tour_stop(app);
        return true;
    }
    if (!args[0]) {
        error_set(err, STATUS_USAGE, "'tour' takes the path of a tour");
        return false;
    }
    return record_tour_start(app, args, err) == STATUS_OK;
}

static bool cmd_tour_record(App *app, const char *args, Error *err) {
    char name[512];
    if (record_tour_writing(app)) return record_tour_write_stop(app, err) == STATUS_OK;
    snprintf(name, sizeof name, "%s", args);
    if (!args[0])
        record_default_name(app, "tour", ".txt", name, sizeof name);
    else if (file_exists(args)) {
        error_set_at(err, STATUS_USAGE, args, -1, "the file exists already; choose another name");
        return false;
    }
    if (record_tour_write_start(app, name, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "noting a tour; 'tour-record' again ends it");
    return true;
}

static bool set_camera(App *app, const char *args, Error *err) {
    char text[256];
    RecordTour *tour = NULL;
    if (!strcmp(args, "fit")) {
        scene_fit(app);
        return true;
    }
    /* One moment of a tour: the same reading, and the same rules for square cells. */
    snprintf(text, sizeof text, "0..1 linear camera %.200s\n", args);
    Error local = {0};
    if (strpbrk(args, ";\n") || record_tour_parse(app, text, "", &tour, &local) != STATUS_OK) {
        error_set(err, STATUS_USAGE, "'camera' takes Q0:Q1,K0:K1 or fit, not '%.100s'", args);
        return false;
    }
    history_note(app);
    RecordTourPlayer *player = record_tour_player_new(tour);
    const Status status = player ? record_tour_play(app, player, 1, err)
                                 : error_set(err, STATUS_MEMORY, "not enough memory to move the camera");
    record_tour_player_drop(player);
    record_tour_drop(tour);
    return status == STATUS_OK;
}

// clang-format off
static const Property PROPERTIES[] = {
    {.command = {"camera", "Q0:Q1,K0:K1|fit", NULL, NULL, "Camera", "show at least these, with parts of tokens and square cells as they are", NULL, .needs = SCENE_CELLS, .noted = NOTED_WITHOUT_CELLS},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_PATTERNS, .set = set_camera, .get = camera_value,
     .option = {.arg = "Q0:Q1,K0:K1", .help = "these, with parts of tokens; square cells stay square", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {.name = NULL}},
};
// clang-format on

// clang-format off
static const Command COMMANDS[] = {
    {"tour", "PATH|stop", cmd_tour, NULL, "Window", "play a tour: a text file of commands with times", NULL, .needs = SCENE_PATTERNS, .trusted = true},
    {"tour-record", "[PATH]", cmd_tour_record, NULL, "Window", "note what is done as a tour; again to stop", NULL, .needs = SCENE_PATTERNS, .trusted = true},
    {.name = NULL},
};
// clang-format on

static void close(App *app) {
    record_tour_stop(app);
    record_tour_write_drop(app);
}

static bool let_go(App *app) {
    const bool was = record_tour_playing(app);
    if (was) record_tour_stop(app);
    return was;
}

/* Its state is the recorder's: a sweep may be of a tour. */
const Part TOUR = {.name = "tour",
                   .close = close,
                   .command_run = record_tour_note_command,
                   .clock.tick = record_tour_tick,
                   .clock.next_ns = record_tour_next_ns,
                   .let_go = let_go,
                   .commands = COMMANDS,
                   .properties = PROPERTIES};
