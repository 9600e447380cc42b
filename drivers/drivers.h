/*
 * drivers - the names of the kinds, for the registry alone. Everybody else
 * goes through driver_table and driver_find().
 */
#pragma once

#include "drivers/driver.h"

extern const struct driver driver_app_sim;
extern const struct driver driver_container_sim;
extern const struct driver driver_fs_flag;
