/*
 * sim - a resource that only remembers whether it is up, and takes its time.
 *
 *   start_delay, stop_delay   ms that a start and a stop take
 *   fail                      words: what fails: start, stop, probe,
 *                             provision, unprovision
 *   needs_provision           true: it starts only once it is provisioned;
 *                             that is remembered in the file RID.made
 *
 * The state is the file RUN_DIR/sim/SERVICE/RID: it survives the agent, not
 * the machine.
 */
#pragma once

#include "drivers/driver.h"

int sim_probe(const struct job *j, struct probe *ret, struct err *err);
int sim_start(const struct job *j, struct err *err);
int sim_stop(const struct job *j, struct err *err);
int sim_provision(const struct job *j, struct err *err);
int sim_unprovision(const struct job *j, struct err *err);
int sim_kill(const struct job *j, struct err *err);
