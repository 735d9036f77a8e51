/* Groups of tests of views/, one a file. Each returns how many failed. */
#ifndef ATTNSCOPE_TEST_VIEWS_H
#define ATTNSCOPE_TEST_VIEWS_H

int test_camera_group(void);
int test_grid_group(void);
int test_text_group(void);
int test_compare_group(void);

int test_marks_group(void);

#endif
