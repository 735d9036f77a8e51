/* Programs from the GLSL files of shaders/: built into the program, or read from a directory in a development run.
 * The files carry no #version, so that the same text can also be given to GLES. */
#include "gpu/gpu_private.h"

#include "embedded_shaders.h"

#include <string.h>

#define SHADER_SIZE_MAX ((size_t)1 << 20)
#define VERSION_LINE "#version 330 core\n"
#define COMPUTE_VERSION_LINE "#version 430 core\n"
#define FIRST_LINE "#line 1\n"

/* *text is borrowed from the program, or allocated (then *owned is set too). */
static Status load_source(const char *directory, const char *name, const char **text, char **owned, Error *err) {
    *owned = NULL;
    if (!directory) {
        const EmbeddedFile *file = embedded_shaders_find(name);
        if (!file) {
            return error_set_at(err, STATUS_NOT_FOUND, name, -1, "this shader is not part of the program");
        }
        *text = (const char *)file->data;
        return STATUS_OK;
    }
    char path[4096];
    size_t size;
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return error_set_at(err, STATUS_RANGE, name, -1, "the path of the shader directory is too long");
    }
    Status status = file_read_all(path, SHADER_SIZE_MAX, owned, &size, err);
    *text = *owned;
    return status;
}

/* The driver's words on one line, as an Error holds a sentence. */
static void flatten_log(char *log) {
    size_t length = strlen(log);
    while (length > 0 && (log[length - 1] == '\n' || log[length - 1] == ' ')) {
        log[--length] = '\0';
    }
    for (char *c = log; *c; c++) {
        *c = *c == '\n' ? ';' : *c;
    }
}

static Status compile(const char *directory, const char *name, const char *defines, GLenum stage, GLuint *out,
                      Error *err) {
    const char *text = NULL;
    char *owned = NULL;
    Status status = load_source(directory, name, &text, &owned, err);
    if (status != STATUS_OK) {
        return status;
    }
    GLuint shader = glCreateShader(stage);
    const char *version = stage == GL_COMPUTE_SHADER ? COMPUTE_VERSION_LINE : VERSION_LINE;
    const char *parts[] = {version, defines, FIRST_LINE, text};
    glShaderSource(shader, (GLsizei)BASE_COUNT(parts), parts, NULL);
    glCompileShader(shader);
    mem_free(owned);
    GLint compiled = 0;
    glGetShaderiv(shader, GL_COMPILE_STATUS, &compiled);
    if (!compiled) {
        char log[400] = "";
        glGetShaderInfoLog(shader, sizeof log, NULL, log);
        flatten_log(log);
        glDeleteShader(shader);
        return error_set_at(err, STATUS_GPU, name, -1, "the shader does not compile: %s",
                            log[0] ? log : "no reason given");
    }
    *out = shader;
    return STATUS_OK;
}

/* Takes over both shaders (the second may be 0). */
static Status link_shaders(const char *name, GLuint first, GLuint second, GLuint *out, Error *err) {
    Status status = STATUS_OK;
    GLint linked = 0;
    GLuint program = glCreateProgram();
    glAttachShader(program, first);
    if (second != 0) {
        glAttachShader(program, second);
    }
    glLinkProgram(program);
    glGetProgramiv(program, GL_LINK_STATUS, &linked);
    if (!linked) {
        char log[400] = "";
        glGetProgramInfoLog(program, sizeof log, NULL, log);
        flatten_log(log);
        status = error_set_at(err, STATUS_GPU, name, -1, "the shader does not link: %s", log);
        glDeleteProgram(program);
        program = 0;
    }
    glDeleteShader(first);
    glDeleteShader(second);
    *out = program;
    return status;
}

/* `defines`: lines that choose a variant of the fragment shader. */
static Status link(const char *directory, const char *vertex_name, const char *fragment_name, const char *defines,
                   GLuint *out, Error *err) {
    GLuint vertex = 0, fragment = 0;
    *out = 0;
    Status status = compile(directory, vertex_name, "", GL_VERTEX_SHADER, &vertex, err);
    if (status == STATUS_OK) {
        status = compile(directory, fragment_name, defines, GL_FRAGMENT_SHADER, &fragment, err);
    }
    if (status != STATUS_OK) {
        glDeleteShader(vertex);
        return status;
    }
    return link_shaders(fragment_name, vertex, fragment, out, err);
}

Status gpu_compute_open(const char *shader_directory, const char *name, const char *defines, GLuint *out, Error *err) {
    GLuint shader = 0;
    *out = 0;
    Status status = compile(shader_directory, name, defines, GL_COMPUTE_SHADER, &shader, err);
    return status == STATUS_OK ? link_shaders(name, shader, 0, out, err) : status;
}

/* Samplers keep their texture units for good. */
static void set_sampler(GLuint program, const char *name, int unit) {
    glUniform1i(glGetUniformLocation(program, name), unit);
}

static Status open_compose(const char *directory, bool factors, ComposeProgram *p, Error *err) {
    Status status = link(directory, "compose.vert", "compose.frag", factors ? "#define FACTORS\n" : "", &p->id, err);
    if (status != STATUS_OK) {
        return status;
    }
    p->heads = glGetUniformLocation(p->id, "u_heads");
    p->start = glGetUniformLocation(p->id, "u_start");
    p->mip = glGetUniformLocation(p->id, "u_mip");
    p->op = glGetUniformLocation(p->id, "u_op");
    p->factor_offset = glGetUniformLocation(p->id, "u_factor_offset");
    p->first = glGetUniformLocation(p->id, "u_first");
    p->last = glGetUniformLocation(p->id, "u_last");
    p->g_is_r = glGetUniformLocation(p->id, "u_g_is_r");
    p->scale = glGetUniformLocation(p->id, "u_scale");
    p->sentinel_in = glGetUniformLocation(p->id, "u_sentinel_in");
    p->sentinel_out = glGetUniformLocation(p->id, "u_sentinel_out");
    glUseProgram(p->id);
    GLint units[COMPOSE_PAGES];
    for (int i = 0; i < COMPOSE_PAGES; i++) {
        units[i] = i;
    }
    glUniform1iv(glGetUniformLocation(p->id, "u_page"), COMPOSE_PAGES, units);
    set_sampler(p->id, "u_row_factors", COMPOSE_PAGES);
    set_sampler(p->id, "u_col_factors", COMPOSE_PAGES + 1);
    set_sampler(p->id, "u_previous", COMPOSE_PAGES + 2);
    return STATUS_OK;
}

static Status open_display(const char *directory, bool curved, DisplayProgram *p, Error *err) {
    Status status = link(directory, "display.vert", "display.frag", curved ? "#define CURVED\n" : "", &p->id, err);
    if (status != STATUS_OK) {
        return status;
    }
    p->frame = glGetUniformLocation(p->id, "u_frame");
    p->colormap = glGetUniformLocation(p->id, "u_colormap");
    p->channel = glGetUniformLocation(p->id, "u_channel");
    p->transform = glGetUniformLocation(p->id, "u_transform");
    p->inverse_gamma = glGetUniformLocation(p->id, "u_inverse_gamma");
    p->is_signed = glGetUniformLocation(p->id, "u_signed");
    p->sentinel = glGetUniformLocation(p->id, "u_sentinel");
    p->masked = glGetUniformLocation(p->id, "u_masked");
    p->nonfinite = glGetUniformLocation(p->id, "u_nonfinite");
    p->clipped = glGetUniformLocation(p->id, "u_clipped");
    p->clipped_below = glGetUniformLocation(p->id, "u_clipped_below");
    glUseProgram(p->id);
    set_sampler(p->id, "u_tiles", 0);
    set_sampler(p->id, "u_colormaps", 1);
    return STATUS_OK;
}

static Status open_paint(const char *directory, PaintProgram *p, Error *err) {
    Status status = link(directory, "paint.vert", "paint.frag", "", &p->id, err);
    if (status != STATUS_OK) {
        return status;
    }
    p->frame = glGetUniformLocation(p->id, "u_frame");
    glUseProgram(p->id);
    set_sampler(p->id, "u_glyphs", 0);
    return STATUS_OK;
}

Status gpu_programs_open(const char *shader_directory, Programs *out, Error *err) {
    Programs programs = {0};
    Status status = STATUS_OK;
    for (int variant = 0; status == STATUS_OK && variant < 2; variant++) {
        status = open_compose(shader_directory, variant == 1, &programs.compose[variant], err);
        if (status == STATUS_OK) {
            status = open_display(shader_directory, variant == 1, &programs.display[variant], err);
        }
    }
    if (status == STATUS_OK) {
        status = open_paint(shader_directory, &programs.paint, err);
    }
    if (status != STATUS_OK) {
        gpu_programs_close(&programs);
        return status;
    }
    *out = programs;
    return STATUS_OK;
}

void gpu_programs_close(Programs *programs) {
    for (int variant = 0; variant < 2; variant++) {
        glDeleteProgram(programs->compose[variant].id);
        glDeleteProgram(programs->display[variant].id);
    }
    glDeleteProgram(programs->paint.id);
    memset(programs, 0, sizeof *programs);
}

Status gpu_reload_shaders(Gpu *gpu, Error *err) {
    if (!gpu->shader_directory) {
        return error_set(err, STATUS_USAGE, "the shaders are built in; only those of a directory can be loaded again");
    }
    Programs programs;
    Status status = gpu_programs_open(gpu->shader_directory, &programs, err);
    if (status == STATUS_OK) {
        gpu_programs_close(&gpu->programs);
        gpu->programs = programs;
    }
    return status;
}
