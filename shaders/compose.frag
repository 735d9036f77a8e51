// Tiles of the heads of a set -> one texel of their composite. The rules are those of tiles_compose (src/tiles/compose.c),
// its CPU twin; tests/gpu compares them.
//
// Heads arrive in pairs (an odd one again with weight 0), sorted by the texture array ("page") their tile lies in: those of
// page p are u_start[p] .. u_start[p + 1]. One loop a page instead of a choice of page inside one loop: GLSL 3.30 indexes
// samplers by constants only, and software rasterisers execute every branch of a choice, which is also why FACTORS is a
// program of its own. Heads on more than PAGES pages, or in tiles of two formats, take several passes, each handing
// (R, G, any nonfinite, any visible) to the next through u_previous.
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler2DArray;

#define PAGES 4   // COMPOSE_PAGES
#define PAIRS 132 // COMPOSE_PAIRS
#define LAYER_BITS 11 // COMPOSE_LAYER_BITS

uniform sampler2DArray u_page[PAGES];
uniform sampler2D u_row_factors;  // [head][texel row]
uniform sampler2D u_col_factors;  // [head][texel column]
uniform sampler2D u_previous;     // what earlier passes found
uniform vec4 u_heads[PAIRS];      // of each head: layer and, above LAYER_BITS, its row in the factor textures; weight
uniform int u_start[PAGES + 1];
uniform int u_mip;
uniform int u_op;                 // 0 weighted sum, 1 max, 2 min
uniform int u_factor_offset;      // column of the factor textures where this mip begins
uniform bool u_first, u_last;
uniform bool u_g_is_r;
uniform float u_scale;            // texel -> weight
uniform vec2 u_sentinel_in;       // masked, nonfinite
uniform vec2 u_sentinel_out;

out vec4 o_texel;

ivec2 at;
vec2 sum;
bool nonfinite, visible, started;

void take(vec2 texel, int head, float weight)
{
    bool masked = texel.g == u_sentinel_in.x;
    bool broken = texel.g == u_sentinel_in.y;
    float factor = u_scale;
#ifdef FACTORS
    int row = head >> LAYER_BITS;
    float column = texelFetch(u_col_factors, ivec2(u_factor_offset + at.x, row), 0).r;
    factor *= texelFetch(u_row_factors, ivec2(u_factor_offset + at.y, row), 0).r * column;
    masked = masked || column < 0.0; // hidden, whatever is there
    broken = broken && column >= 0.0;
#endif
    nonfinite = nonfinite || broken;
    visible = visible || !masked;
    vec2 v = masked ? vec2(0.0) : texel * factor;
    if (u_op == 0) {
        sum += weight * v;
    } else {
        vec2 extreme = u_op == 1 ? max(sum, v) : min(sum, v);
        sum = started ? extreme : v;
        started = true;
    }
}

#define TAKE_PAGE(p)                                                                                                   \
    for (int i = u_start[p]; i < u_start[p + 1]; i++) {                                                                \
        ivec2 head = ivec2(u_heads[i].xz), layer = head & ((1 << LAYER_BITS) - 1);                                     \
        take(texelFetch(u_page[p], ivec3(at, layer.x), u_mip).rg, head.x, u_heads[i].y);                               \
        take(texelFetch(u_page[p], ivec3(at, layer.y), u_mip).rg, head.y, u_heads[i].w);                               \
    }

void main()
{
    at = ivec2(gl_FragCoord.xy);
    vec4 before = u_first ? vec4(0.0) : texelFetch(u_previous, at, 0);
    sum = before.rg;
    nonfinite = before.b > 0.0;
    visible = before.a > 0.0;
    started = !u_first;
    TAKE_PAGE(0)
    TAKE_PAGE(1)
    TAKE_PAGE(2)
    TAKE_PAGE(3)
    if (!u_last) {
        o_texel = vec4(sum, nonfinite ? 1.0 : 0.0, visible ? 1.0 : 0.0);
    } else if (nonfinite) {
        o_texel = vec4(0.0, u_sentinel_out.y, 0.0, 0.0);
    } else if (!visible) {
        o_texel = vec4(0.0, u_sentinel_out.x, 0.0, 0.0);
    } else {
        o_texel = vec4(sum.r, u_g_is_r ? sum.r : sum.g, 0.0, 0.0);
    }
}
