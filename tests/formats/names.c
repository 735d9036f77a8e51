/* What names say. */
#include "test_formats.h"

static void test_names(void **state) {
    static const struct {
        const char *name;
        Role role;
        SetHint hint;
        int layer;
        bool explicit_name;
    } CASES[] = {
        {"blocks.0.attn.hook_pattern", ROLE_PATTERN, HINT_NONE, 0, true},
        {"blocks.31.attn.hook_attn_scores", ROLE_SCORES, HINT_NONE, 31, true},
        {"blocks.7.attn.hook_q", ROLE_Q, HINT_NONE, 7, true},
        {"blocks.7.attn.hook_k", ROLE_K, HINT_NONE, 7, true},
        {"blocks.7.attn.hook_rot_q", ROLE_ROT_Q, HINT_NONE, 7, true},
        {"blocks.7.attn.hook_rot_k", ROLE_ROT_K, HINT_NONE, 7, true},
        {"blocks.7.attn.lse", ROLE_LSE, HINT_NONE, 7, true},
        {"blocks.7.hook_resid_pre", ROLE_NONE, HINT_NONE, 7, true},
        {"blocks.7.attn.hook_v", ROLE_V, HINT_NONE, 7, true},
        {"encoder.2.attn.hook_pattern", ROLE_PATTERN, HINT_ENCODER, 2, true},
        {"decoder.2.attn.hook_pattern", ROLE_PATTERN, HINT_DECODER, 2, true},
        {"decoder.2.cross_attn.hook_pattern", ROLE_PATTERN, HINT_CROSS, 2, true},
        {"decoder.layers.2.encoder_attn", ROLE_PATTERN, HINT_CROSS, 2, true},
        {"attentions", ROLE_PATTERN, HINT_NONE, -1, true},
        {"encoder_attentions", ROLE_PATTERN, HINT_ENCODER, -1, true},
        {"decoder_attentions", ROLE_PATTERN, HINT_DECODER, -1, true},
        {"cross_attentions", ROLE_PATTERN, HINT_CROSS, -1, true},
        {"attentions.11", ROLE_PATTERN, HINT_NONE, 11, true},
        {"attn.3", ROLE_PATTERN, HINT_NONE, 3, true},
        {"attn3", ROLE_PATTERN, HINT_NONE, 3, true},
        {"arr_12", ROLE_PATTERN, HINT_NONE, 12, false},
        {"layers.4.whatever", ROLE_PATTERN, HINT_NONE, 4, false},
        {"gpt2.h.7.attn", ROLE_PATTERN, HINT_NONE, 7, true},
        {"llama3/layer12/attention_scores", ROLE_SCORES, HINT_NONE, 12, true},
        {"attention_mask", ROLE_NONE, HINT_NONE, -1, false},
        {"model.layers.0.self_attn.q_proj.weight", ROLE_MODEL_WEIGHT, HINT_NONE, 0, false},
        {"tokens", ROLE_TOKENS, HINT_NONE, -1, false},
        {"str_tokens", ROLE_TOKENS, HINT_NONE, -1, false},
        {"input_ids", ROLE_TOKENS, HINT_NONE, -1, false},
        {"decoder_tokens", ROLE_Q_TOKENS, HINT_NONE, -1, false},
        {"k_tokens", ROLE_K_TOKENS, HINT_NONE, -1, false},
        {"embedding", ROLE_NONE, HINT_NONE, -1, false},
        {"", ROLE_NONE, HINT_NONE, -1, false},
        {"99999999999999999999.attn", ROLE_PATTERN, HINT_NONE, -1, true},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        NameMeaning meaning = names_meaning(CASES[i].name);
        if (meaning.role != CASES[i].role || meaning.hint != CASES[i].hint || meaning.layer != CASES[i].layer ||
            meaning.explicit_name != CASES[i].explicit_name)
            fail_msg("'%s': role %d, hint %d, layer %d, explicit %d", CASES[i].name, meaning.role, meaning.hint,
                     meaning.layer, meaning.explicit_name);
    }
}

static void test_file_names(void **state) {
    (void)state;
    assert_int_equal(names_file_layer("minilm-alice512.layer3.npy"), 3);
    assert_int_equal(names_file_layer("Layer_12.npy"), 12);
    assert_int_equal(names_file_layer("layers-2.npy"), 2);
    assert_int_equal(names_file_layer("player.npy"), -1);
    assert_int_equal(names_file_layer("layer.npy"), -1);
    assert_int_equal(names_file_layer("x"), -1);
    assert_int_equal(names_file_hint("whisper-tiny-cross.npy"), HINT_CROSS);
    assert_int_equal(names_file_hint("encoder-decoder.npy"), HINT_NONE);
    assert_int_equal(names_file_hint("my_decoder.npy"), HINT_DECODER);
}

/* Names have no length limit that matters. */
static void test_long_names(void **state) {
    char name[4096];
    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(names_meaning(name).role, ROLE_NONE);
    for (size_t i = 1; i < sizeof(name) - 1; i += 2)
        name[i] = '.';
    assert_int_equal(names_meaning(name).role, ROLE_NONE);
    memset(name, '9', sizeof(name) - 1);
    assert_int_equal(names_meaning(name).layer, -1);
}

int test_names_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests_name("formats: names", tests, NULL, NULL);
}
