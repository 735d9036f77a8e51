/* Which scene is shown, and which of them have something to show. */
#include "session/app.h"
#include "session/property.h"

#include <string.h>

bool scene_has(const App *app, unsigned traits) {
    return (app->shown.scene->traits & traits) == traits;
}

const Scene *scene_named(const App *app, const char *name) {
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++) {
        if (!strcmp((*scene)->name, name) || ((*scene)->old_name && !strcmp((*scene)->old_name, name))) return *scene;
    }
    return NULL;
}

bool scene_shows(const App *app, const Scene *scene) {
    const Capture *capture = app_capture(app);
    if (!capture) return false;
    return scene->shows ? scene->shows(capture) : capture_set_count(capture) > 0;
}

void scene_show(App *app, const Scene *scene) {
    if (scene == app->shown.scene) return;
    if (scene->enter) scene->enter(app);
    app->shown.scene = scene;
    app->pointer.drag = DRAG_NONE;
    if (!app->look.matrix.cursor_locked) app->look.matrix.cursor_on = false;
    for (const Part *const *part = app->catalog->parts; *part; part++) {
        if ((*part)->scene_changed) (*part)->scene_changed(app);
    }
    app->pace.redraw = true;
}

void scene_leave(App *app) {
    const Scene *const *scenes = app->catalog->scenes;
    for (int i = 0; scenes[i] && !scene_shows(app, app->shown.scene); i++)
        app->shown.scene = scenes[i];
}

void scene_fit(App *app) {
    const Scene *scene = app->shown.scene;
    if (scene->camera.fit) scene->camera.fit(app);
    app->pace.redraw = true;
}

const Camera *scene_camera(const App *app) {
    const Scene *scene = app->shown.scene;
    return scene->camera.camera ? scene->camera.camera(app) : &app->look.matrix.camera;
}

const ViewResult *scene_under_mouse(const App *app) {
    const Scene *scene = app->shown.scene;
    return scene->mouse.under ? scene->mouse.under(app) : &app->picture.result;
}

int scene_layer(const App *app) {
    const Scene *scene = app->shown.scene;
    return scene->place.layer ? scene->place.layer(app) : app->look.subject.layer;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The next one that this capture has something for. */
static bool turn(App *app, int step, Error *err) {
    const Scene *const *scenes = app->catalog->scenes;
    int count = 0, at = 0;
    for (; scenes[count]; count++) {
        if (scenes[count] == app->shown.scene) at = count;
    }
    for (int i = 1; i < count; i++) {
        const Scene *scene = scenes[(at + step * i + count * count) % count];
        if (!scene_shows(app, scene)) continue;
        app->shown.came_from = NULL;
        scene_show(app, scene);
        return true;
    }
    error_set(err, STATUS_NOT_FOUND, "this capture has one view");
    return false;
}

static bool set_scene(App *app, const char *args, Error *err) {
    if (!strcmp(args, "next") || !strcmp(args, "previous")) return turn(app, args[0] == 'n' ? 1 : -1, err);
    const Scene *scene = scene_named(app, args);
    if (scene && scene_shows(app, scene)) {
        app->shown.came_from = NULL;
        scene_show(app, scene);
        return true;
    }
    if (scene) {
        error_set(err, STATUS_NOT_FOUND, "'%s' shows %s, and this capture has none", args,
                  scene->traits & SCENE_STRIPS ? "probabilities of tokens" : "patterns of attention");
        return false;
    }
    TextBuffer names = {0};
    for (const Scene *const *each = app->catalog->scenes; *each; each++)
        text_appendf(&names, "%s, ", (*each)->name);
    error_set(err, STATUS_USAGE, "'view' takes %snext or previous, not '%.60s'", names.text ? names.text : "", args);
    text_buffer_free(&names);
    return false;
}

static bool get_scene(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%s", app->shown.scene->name);
    return app->shown.scene != app->catalog->scenes[0]; /* which is shown anyway */
}

static void scene_values(const App *app, EachValue each, void *user) {
    for (const Scene *const *scene = app->catalog->scenes; *scene; scene++)
        each(user, (*scene)->name, *scene == app->shown.scene ? "now" : "");
    each(user, "next", "");
    each(user, "previous", "");
}

const Property SCENE_PROPERTIES[] = {
    {.command = {"view", "NAME|next|previous", NULL, "g=grid Tab=next Shift+Tab=previous", "Grid of layers and heads",
                 "every layer and head, small; next and previous view", NULL, .values = scene_values, .closed = true},
     .kind = PROPERTY_TEXT,
     .where = PROPERTY_OPTION | PROPERTY_PICTURE,
     .set = set_scene,
     .get = get_scene,
     .option = {.arg = "NAME", .help = "matrix, grid, or probabilities: of tokens", .order = PROPERTY_SCENE}},
    {.command = {.name = NULL}},
};
