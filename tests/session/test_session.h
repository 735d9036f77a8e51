/* Groups of tests of session/, one a file. Each returns how many failed. */
#ifndef TEST_SESSION_H
#define TEST_SESSION_H

int test_options_group(void);
int test_commands_group(void);
int test_properties_group(void);
int test_field_group(void);
int test_files_group(void);
int test_settings_group(void);
int test_find_group(void);
int test_watch_group(void);

#endif
