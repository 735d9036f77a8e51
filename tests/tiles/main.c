#include "test_tiles.h"

int main(void) {
    int failed = 0;
    failed += test_level_group();
    failed += test_headset_group();
    failed += test_pool_group();
    failed += test_pool_special_group();
    failed += test_captures_group();
    failed += test_kernel_group();
    failed += test_fused_group();
    failed += test_device_group();
    failed += test_compose_group();
    failed += test_variant_group();
    failed += test_stats_group();
    failed += test_data_group();
    failed += test_scheduler_group();
    failed += test_threads_group();
    failed += test_disk_group();
    return failed ? 1 : 0;
}
