/* Groups of tests of scenes/, one a file. Each returns how many failed. */
#ifndef TEST_SCENES_H
#define TEST_SCENES_H

int test_grid_group(void);
int test_scenes_group(void);
int test_matrix_group(void);

#endif
