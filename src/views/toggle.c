/* One head more or less in a mean, without taking all of them again:
 *
 *   mean of n heads = (mean of m heads) * m / n  +- head / n          m = n - 1, n + 1
 *
 * two images instead of n. Taking a term away loses digits where it was most of the sum, and what was masked or not a
 * number in it stays so; so such an image is marked APPROXIMATE, and composed from all heads when the hand rests. */
#include "views/frame.h"

#define TOGGLE_HEADS_MIN 4 /* fewer are as quickly composed anew */

static bool is_plain_mean(const ResolvedHeads *heads) {
    for (int i = 1; i < heads->count; i++) {
        if (heads->weight[i] != heads->weight[0]) return false;
    }
    return heads->op == HEADS_MEAN && heads->count >= TOGGLE_HEADS_MIN && !heads->result_signed;
}

/* The one head that `more` has and `fewer` has not; -1 where that is not the only difference. Indices ascend. */
static int head_between(const ResolvedHeads *more, const ResolvedHeads *fewer) {
    int found = -1, at = 0;
    if (more->count != fewer->count + 1) return -1;
    for (int i = 0; i < more->count; i++) {
        if (at < fewer->count && fewer->index[at] == more->index[i])
            at++;
        else if (found < 0)
            found = more->index[i];
        else
            return -1;
    }
    return at == fewer->count ? found : -1;
}

bool views_toggle(Frame *frame, const SetInfo *set, const LayerInfo *layer, const ResolvedHeads *heads,
                  const TileKey *key, TileKey sources[2], ResolvedHeads *step) {
    ResolvedHeads before;
    if (!frame->heads_before || key->head >= 0 || key->variant || !is_plain_mean(heads)) return false;
    if (tiles_headset_resolve(frame->heads_before, set, layer, &before, NULL) != STATUS_OK || !is_plain_mean(&before))
        return false;
    const bool added = heads->count > before.count;
    const int head = added ? head_between(heads, &before) : head_between(&before, heads);
    if (head < 0) return false;
    sources[0] = *key;
    sources[0].headset = tiles_headset_hash(frame->heads_before);
    sources[1] = tiles_key_of_head(key, head);
    if (!gpu_tile_find(frame->gpu, &sources[0], NULL) || !gpu_tile_find(frame->gpu, &sources[1], NULL)) return false;
    const float n = (float)heads->count;
    *step = (ResolvedHeads){
        .op = HEADS_WEIGHTED, .count = 2, .weight = {(float)before.count / n, added ? 1 / n : -1 / n}};
    return true;
}
