/*
 * Env files as a person and a cluster change them, on a real folder with a
 * clock of our own.
 */
#include "cluster/loop/confdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/recent.h"
#include "fsm/conf/conf.h"
#include "tests/lib/table.h"

struct world {
	char dir[64], services[128], heads[128], drafts[128];
	struct confdir *c;
	uint64_t now;
	/* The last edit that was proposed; how many there were. */
	char service[64], base[80], text[4096], user[32];
	bool keep;
	unsigned n_edits;
	/* As last told: an edit that waits, an offer. */
	uint64_t waits_since;
	char waits[256], offer[300];
	unsigned n_waits, n_offers;
	/* Drafts as last told. */
	size_t n_drafts, n_news;
	char path[256], why[512], news[1024], log[4096];
};

static void on_edit(void *ctx, const char *service,
		    const struct confdir_edit *e)
{
	struct world *w = ctx;

	snprintf(w->service, sizeof(w->service), "%s", service);
	snprintf(w->base, sizeof(w->base), "%s", e->base);
	snprintf(w->text, sizeof(w->text), "%.*s", (int)e->len, e->text);
	snprintf(w->user, sizeof(w->user), "%s", e->user);
	w->keep = e->keep;
	w->n_edits++;
}

static void on_waits(void *ctx, const char *service, uint64_t since_ms,
		     const char *why)
{
	struct world *w = ctx;

	if (strcmp(service, "web") != 0)
		return;
	w->waits_since = since_ms;
	snprintf(w->waits, sizeof(w->waits), "%s", why ? why : "");
	w->n_waits++;
}

static void on_offer(void *ctx, const char *name, const char *path,
		     const char *text, size_t len)
{
	struct world *w = ctx;

	assert_non_null(strstr(path, name));
	if (text)
		assert_int_equal(strlen(text), len);
	snprintf(w->offer, sizeof(w->offer), "%s: %s", name,
		 text ? text : "(none)");
	w->n_offers++;
}

static void on_drafts(void *ctx, const char *service, const struct doc *list,
		      const char *news)
{
	struct world *w = ctx;
	const struct doc *d = doc_len(list) ? doc_at(list, 0) : NULL;

	(void)service;
	w->n_drafts = doc_len(list);
	snprintf(w->path, sizeof(w->path), "%s", doc_get_str(d, "path", ""));
	snprintf(w->why, sizeof(w->why), "%s", doc_get_str(d, "why", ""));
	snprintf(w->news, sizeof(w->news), "%s", news ? news : "");
	w->n_news += news != NULL;
}

static void on_log(void *ctx, int level, const char *text)
{
	struct world *w = ctx;
	size_t n = strlen(w->log);

	(void)level;
	snprintf(w->log + n, sizeof(w->log) - n, "%s\n", text);
}

static void open_it(struct world *w)
{
	struct confdir_io io = { w,	   on_edit,  on_drafts,
				 on_waits, on_offer, on_log };
	struct err err;

	assert_int_equal(confdir_open(&w->c, w->services, w->heads, w->drafts,
				      &io, &err),
			 0);
}

/* As after kill -9: what is in memory is lost. */
static void restart(struct world *w)
{
	confdir_close(w->c);
	open_it(w);
}

static int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	snprintf(w.dir, sizeof(w.dir), "/tmp/encap-confdir.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.services, sizeof(w.services), "%s/etc/services", w.dir);
	snprintf(w.heads, sizeof(w.heads), "%s/heads", w.dir);
	snprintf(w.drafts, sizeof(w.drafts), "%s/drafts", w.dir);
	w.now = 1000000;
	open_it(&w);
	*state = &w;
	return 0;
}

static int drop(const char *path, const struct stat *st, int kind,
		struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	confdir_close(w->c);
	return nftw(w->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* Let @ms pass, with all that becomes due. */
static void pass(struct world *w, uint64_t ms)
{
	uint64_t end = w->now + ms;

	do {
		uint64_t next;

		confdir_step(w->c, w->now);
		next = confdir_next_ms(w->c);
		if (next > end)
			break;
		w->now = next > w->now ? next : w->now + 1;
	} while (w->now <= end);
	w->now = end;
	confdir_step(w->c, w->now);
}

static const char *file_of(struct world *w, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", w->services, name);
	return path;
}

static const char *content(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return "(none)";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* As sed -i and most editors do: another file takes the name. */
static void save(struct world *w, const char *name, const char *text)
{
	char temp[256];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s/sedXYZ", w->services);
	f = fopen(temp, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(temp, file_of(w, name)), 0);
}

static void edit(struct world *w, const char *text)
{
	save(w, "web.conf", text);
	confdir_touch(w->c, "web.conf");
}

static void taken(struct world *w, const char *rev)
{
	confdir_answer(w->c, "web",
		       &(struct confdir_answer){ .verdict = CONFDIR_TAKEN,
						 .rev = rev });
}

/* As @own, which was merged to @rev. */
static void merged(struct world *w, const char *rev, const char *own)
{
	confdir_answer(w->c, "web",
		       &(struct confdir_answer){ .verdict = CONFDIR_TAKEN,
						 .rev = rev,
						 .own = own });
}

static void answer(struct world *w, enum confdir_verdict verdict,
		   const char *why, const char *draft)
{
	confdir_answer(w->c, "web",
		       &(struct confdir_answer){ .verdict = verdict,
						 .why = why,
						 .draft = draft });
}

static void head(struct world *w, const char *rev, const char *text)
{
	confdir_head(w->c, "web", rev, text);
	pass(w, 10);
}

#define HAS(what) assert_string_equal(content(file_of(w, "web.conf")), what)
#define WAIT()	  pass(w, CONFDIR_SETTLE_MS + 20)

static void a_head_is_a_file(void **state)
{
	struct world *w = *state;
	struct stat st;

	head(w, "r1", "one\n");
	HAS("one\n");
	assert_int_equal(stat(file_of(w, "web.conf"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	head(w, "r2", "two\n");
	HAS("two\n");
	pass(w, 20000);
	head(w, "", NULL);
	pass(w, 5000);
	HAS("(none)");
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_drafts, 0);
}

static void nothing_is_left_of_one_that_is_gone(void **state)
{
	struct world *w = *state;
	struct dirent *f;
	DIR *d;

	head(w, "r1", "one\n");
	head(w, "", NULL);
	pass(w, 10000);
	for (int i = 0; i < 3; i++) {
		const char *dirs[] = { w->services, w->heads, w->drafts };

		d = opendir(dirs[i]);
		assert_non_null(d);
		while ((f = readdir(d)))
			assert_int_equal(f->d_name[0] == '.' &&
						 strlen(f->d_name) < 3,
					 1);
		closedir(d);
	}
}

static void an_edit_is_proposed_and_becomes_the_head(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	pass(w, 4000);
	edit(w, "mine\n");
	pass(w, CONFDIR_SETTLE_MS / 2);
	assert_int_equal(w->n_edits, 0); /* it may not be all */
	WAIT();
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->service, "web");
	assert_string_equal(w->base, "r1");
	assert_string_equal(w->text, "mine\n");
	if (geteuid() == 0)
		assert_string_equal(w->user, "root");
	taken(w, "r2");
	WAIT();
	HAS("mine\n"); /* not the old head, though the new is not known yet */
	head(w, "r2", "mine\n");
	pass(w, 20000);
	HAS("mine\n");
	edit(w, "more\n");
	WAIT();
	assert_string_equal(w->base, "r2");
	assert_int_equal(w->n_edits, 2);
	assert_int_equal(w->n_drafts, 0);
}

static void the_head_may_come_before_the_answer(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	head(w, "r2", "mine\n");
	taken(w, "r2");
	pass(w, 10000);
	HAS("mine\n");
	edit(w, "more\n");
	WAIT();
	assert_string_equal(w->base, "r2");
	assert_int_equal(w->n_edits, 2);
}

static void what_it_was_merged_to_is_written(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	merged(w, "r3", "r2");
	/* A second save: an edit on top of what the person saw, not of the
	 * merge. */
	edit(w, "mine, too\n");
	head(w, "r3", "both\n");
	WAIT();
	assert_int_equal(w->n_edits, 2);
	assert_string_equal(w->base, "r2");
	merged(w, "r5", "r4");
	head(w, "r5", "all\n");
	pass(w, 5000);
	HAS("all\n");
	assert_int_equal(w->n_drafts, 0);
	edit(w, "all of it\n");
	WAIT();
	assert_string_equal(w->base, "r5");
}

/* Between the answer and the head of it the file does not fall back. */
static void a_merge_that_comes_late_is_waited_for(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	head(w, "r2", "theirs\n");
	merged(w, "r4", "r3");
	pass(w, 500);
	HAS("mine\n");
	head(w, "r4", "both\n");
	pass(w, 10);
	HAS("both\n");
	/* One that never comes here: what there is counts. */
	edit(w, "more\n");
	WAIT();
	merged(w, "r6", "r5");
	pass(w, 2000);
	HAS("both\n");
	assert_int_equal(w->n_drafts, 0);
}

static void one_that_changes_nothing_is_replaced(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "one \n");
	WAIT();
	merged(w, "r1", "");
	pass(w, 10);
	HAS("one\n");
	pass(w, 10000);
	assert_int_equal(w->n_edits, 1);
	assert_int_equal(w->n_drafts, 0);
}

static void a_refused_one_is_a_draft(void **state)
{
	struct world *w = *state;
	char why[280];

	head(w, "r1", "one\n");
	edit(w, "bad\n");
	WAIT();
	answer(w, CONFDIR_REFUSED, "line 1: bad\nline 2", NULL);
	pass(w, 10);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 1);
	assert_int_equal(w->n_news, 1);
	assert_string_equal(w->why, "line 1: bad");
	assert_non_null(strstr(w->news, "line 1: bad"));
	assert_non_null(strstr(w->path, "/web.20"));
	assert_string_equal(content(w->path), "bad\n");
	snprintf(why, sizeof(why), "%.*s.why", (int)strlen(w->path) - 5,
		 w->path);
	assert_string_equal(content(why), "line 1: bad\nline 2\n");
	pass(w, 10000);
	assert_int_equal(w->n_edits, 1); /* and not again */
	assert_int_equal(w->n_drafts, 1);
	/* A person who is done with it removes it. */
	unlink(w->path);
	pass(w, CONFDIR_RESCAN_MS + 100);
	assert_int_equal(w->n_drafts, 0);
	assert_int_equal(w->n_news, 1);
	/* The same text is judged anew. */
	edit(w, "bad\n");
	WAIT();
	assert_int_equal(w->n_edits, 2);
}

static void one_that_the_group_keeps_is_not_kept_here(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	assert_false(w->keep);
	answer(w, CONFDIR_REFUSED, "conflict with r2", "d1");
	pass(w, 10);
	HAS("one\n");
	pass(w, 10000);
	assert_int_equal(w->n_drafts, 0);
	assert_int_equal(w->n_edits, 1);
	assert_non_null(strstr(w->log, "conflict with r2"));
	assert_non_null(strstr(w->log, "draft d1"));
	/* The same once more is one more edit. */
	edit(w, "mine\n");
	WAIT();
	assert_int_equal(w->n_edits, 2);
}

/* What is not valid may be a part of what somebody is writing. */
static void what_is_not_valid_yet_has_time(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "ha");
	WAIT();
	answer(w, CONFDIR_INVALID, "half", NULL);
	pass(w, CONFDIR_GRACE_MS - 2 * CONFDIR_SETTLE_MS - 100);
	HAS("ha");
	assert_int_equal(w->n_edits, 1);
	edit(w, "halves\n");
	WAIT();
	assert_int_equal(w->n_edits, 2);
	assert_string_equal(w->text, "halves\n");
	taken(w, "r2");
	head(w, "r2", "halves\n");
	pass(w, 10000);
	HAS("halves\n");
	assert_int_equal(w->n_drafts, 0);
	assert_int_equal(w->n_edits, 2);
}

static void what_stays_not_valid_is_a_draft(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "bad\n");
	WAIT();
	answer(w, CONFDIR_INVALID, "line 1: bad", NULL);
	pass(w, CONFDIR_GRACE_MS);
	HAS("bad\n");
	/* Now the group shall keep it. */
	assert_int_equal(w->n_edits, 2);
	assert_true(w->keep);
	answer(w, CONFDIR_INVALID, "line 1: bad", "d1");
	pass(w, 10);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 0);
	/* Where it cannot, we do. */
	edit(w, "worse\n");
	WAIT();
	assert_false(w->keep);
	answer(w, CONFDIR_INVALID, "line 1: worse", NULL);
	pass(w, CONFDIR_GRACE_MS);
	answer(w, CONFDIR_INVALID, "line 1: worse", NULL);
	pass(w, 10);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 1);
	assert_string_equal(content(w->path), "worse\n");
}

/* A disk that was full when an editor wrote, or one that empties it first. */
static void an_empty_file_is_no_edit(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "");
	pass(w, CONFDIR_GRACE_MS - 100);
	HAS("");
	edit(w, "mine\n");
	WAIT();
	assert_string_equal(w->text, "mine\n");
	taken(w, "r2");
	head(w, "r2", "mine\n");
	pass(w, 5000);
	edit(w, " \n\n");
	pass(w, CONFDIR_GRACE_MS + 2 * CONFDIR_SETTLE_MS);
	HAS("mine\n");
	assert_non_null(strstr(w->log, "encap delete web"));
	assert_int_equal(w->n_edits, 1);
	assert_int_equal(w->n_drafts, 0);
}

static void one_that_was_mended_meanwhile_is_no_draft(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "bad\n");
	WAIT();
	edit(w, "good\n");
	answer(w, CONFDIR_REFUSED, "bad", NULL);
	WAIT();
	assert_int_equal(w->n_edits, 2);
	assert_string_equal(w->text, "good\n");
	assert_int_equal(w->n_drafts, 0);
}

static void without_a_leader_it_stays_and_comes_again(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	for (unsigned i = 1; i < 4; i++) {
		pass(w, CONFDIR_RETRY_MS + CONFDIR_SETTLE_MS);
		assert_int_equal(w->n_edits, i);
		answer(w, CONFDIR_LATER, "no leader", NULL);
		pass(w, CONFDIR_RETRY_MS / 2);
		assert_int_equal(w->n_edits, i);
		HAS("mine\n");
	}
	assert_null(strstr(strstr(w->log, "no leader") + 1, "no leader"));
	pass(w, CONFDIR_RETRY_MS);
	taken(w, "r2");
	head(w, "r2", "mine\n");
	HAS("mine\n");
	assert_int_equal(w->n_drafts, 0);
}

static void one_that_waits_is_told(void **state)
{
	struct world *w = *state;
	uint64_t since;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	since = w->now;
	assert_int_equal(w->n_waits, 0);
	pass(w, CONFDIR_WAITS_MS);
	assert_int_equal(w->n_waits, 1);
	assert_true(w->waits_since <= since &&
		    w->waits_since + CONFDIR_SETTLE_MS > since);
	assert_non_null(strstr(w->waits, "not answered"));
	answer(w, CONFDIR_LATER, "no leader", NULL);
	pass(w, CONFDIR_RETRY_MS + CONFDIR_WAITS_MS);
	edit(w, "mine, too\n");
	answer(w, CONFDIR_LATER, "no leader", NULL);
	pass(w, CONFDIR_RETRY_MS);
	assert_int_equal(w->n_waits, 1);
	taken(w, "r2");
	head(w, "r2", "mine, too\n");
	pass(w, 100);
	assert_int_equal(w->n_waits, 2);
	assert_string_equal(w->waits, "");
	/* One that is agreed at once is not worth a word. */
	edit(w, "more\n");
	WAIT();
	taken(w, "r3");
	head(w, "r3", "more\n");
	pass(w, 5000);
	assert_int_equal(w->n_waits, 2);
}

static void one_that_was_taken_unheard_is_the_head(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	answer(w, CONFDIR_LATER, "timeout", NULL);
	head(w, "r2", "mine\n");
	pass(w, 10000);
	assert_int_equal(w->n_edits, 1);
	edit(w, "more\n");
	WAIT();
	assert_string_equal(w->base, "r2");
}

static void an_edit_while_stopped_is_based_on_what_was_there(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	pass(w, 5000);
	save(w, "web.conf", "mine\n");
	restart(w);
	pass(w, 1000);
	assert_int_equal(w->n_edits, 0); /* nothing is known of it yet */
	HAS("mine\n");
	head(w, "r5", "five\n");
	WAIT();
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->base, "r1");
	answer(w, CONFDIR_REFUSED, "conflict", NULL);
	pass(w, 10);
	HAS("five\n");
	assert_string_equal(content(w->path), "mine\n");
}

static void a_restart_alone_is_no_edit(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	head(w, "r2", "two\n");
	restart(w); /* before the old file was looked at */
	head(w, "r3", "three\n");
	HAS("three\n");
	restart(w);
	head(w, "r3", "three\n");
	pass(w, 20000);
	HAS("three\n");
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_drafts, 0);
}

static void a_removed_file_comes_back(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	unlink(file_of(w, "web.conf"));
	confdir_touch(w->c, "web.conf");
	pass(w, CONFDIR_SETTLE_MS / 2);
	HAS("(none)"); /* an editor may be about to write it */
	WAIT();
	HAS("one\n");
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_news, 1);
	assert_non_null(strstr(w->news, "'encap delete web' deletes"));
	assert_non_null(strstr(w->log, "'encap delete web' deletes"));
	pass(w, 10000);
	assert_int_equal(w->n_news, 1);
}

static void a_chmod_is_no_edit_and_holds(void **state)
{
	struct world *w = *state;
	struct stat st;

	head(w, "r1", "one\n");
	pass(w, 5000);
	assert_int_equal(chmod(file_of(w, "web.conf"), 0640), 0);
	confdir_touch(w->c, "web.conf");
	pass(w, 5000);
	assert_int_equal(w->n_edits, 0);
	head(w, "r2", "two\n");
	HAS("two\n");
	assert_int_equal(stat(file_of(w, "web.conf"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(w->n_drafts, 0);
}

/* An editor reads the file, another revision is written, the editor saves:
 * that takes nothing back. */
static void one_that_was_made_of_the_text_before(void **state)
{
	static const char *const one = "[a]\nx = 1\ny = 1\n[b]\nx = 2\n";
	static const char *const two = "[a]\nx = 2\ny = 1\n[b]\nx = 2\n";
	static const char *const three = "[a]\nx = 2\ny = 1\n[b]\nx = 3\n";
	struct world *w = *state;

	head(w, "r1", one);
	pass(w, 5000);
	head(w, "r2", two);
	pass(w, 100);
	edit(w, "[a]\nx = 1\ny = 9\n[b]\nx = 2\n");
	WAIT();
	assert_string_equal(w->base, "r1");
	merged(w, "r2m", "r2o");
	head(w, "r2m", two);
	pass(w, 5000);
	/* Over two of them. */
	head(w, "r3", one);
	pass(w, 5000);
	head(w, "r4", two);
	head(w, "r5", three);
	edit(w, "[a]\nx = 1\ny = 8\n[b]\nx = 2\n");
	WAIT();
	assert_string_equal(w->base, "r3");
	assert_int_equal(w->n_edits, 2);
	assert_int_equal(w->n_drafts, 0);
}

static void who_means_to_undo_may(void **state)
{
	static const char *const one = "[a]\nx = 1\ny = 1\n";
	static const char *const two = "[a]\nx = 2\ny = 1\n";
	struct world *w = *state;

	head(w, "r1", one);
	pass(w, 5000);
	head(w, "r2", two);
	pass(w, 100);
	edit(w, one); /* nothing but that */
	WAIT();
	assert_string_equal(w->base, "r2");
	taken(w, "r3");
	head(w, "r3", one);
	pass(w, 5000);
	head(w, "r4", two);
	pass(w, RECENT_MS + 1000);
	edit(w, "[a]\nx = 1\ny = 2\n"); /* some time later */
	WAIT();
	assert_string_equal(w->base, "r4");
	taken(w, "r5");
	head(w, "r5", "[a]\nx = 1\ny = 2\n");
	pass(w, 5000);
	head(w, "r6", "[a]\nx = 2\ny = 2\n");
	edit(w, "[a]\nx = 3\ny = 2\n"); /* the same line, again */
	WAIT();
	assert_string_equal(w->base, "r6");
}

/* The head cannot be put back: that makes no second draft, and no second
 * proposal. */
static void a_folder_that_cannot_be_written_is_waited_for(void **state)
{
	struct world *w = *state;
	char path[300];

	head(w, "r1", "one\n");
	pass(w, 5000);
	snprintf(path, sizeof(path), "%s/.web.conf.new", w->services);
	assert_int_equal(mkdir(path, 0700), 0);
	edit(w, "bad\n");
	WAIT();
	answer(w, CONFDIR_REFUSED, "bad", NULL);
	pass(w, 20000);
	HAS("bad\n");
	assert_int_equal(w->n_edits, 1);
	assert_int_equal(w->n_drafts, 1);
	assert_int_equal(w->n_news, 1);
	/* An edit is one all the same. */
	edit(w, "good\n");
	WAIT();
	assert_int_equal(w->n_edits, 2);
	taken(w, "r2");
	head(w, "r2", "good\n");
	pass(w, 5000);
	HAS("good\n");
	head(w, "r3", "three\n");
	pass(w, 5000);
	HAS("good\n");
	/* What is there is of r2, however often we tried. */
	restart(w);
	head(w, "r3", "three\n");
	pass(w, 5000);
	assert_int_equal(w->n_edits, 2);
	assert_int_equal(rmdir(path), 0);
	pass(w, 2 * CONFDIR_RETRY_MS);
	HAS("three\n");
	assert_int_equal(w->n_drafts, 1);
}

/* ... nor the draft: nothing is taken away then. */
static void what_cannot_be_kept_stays(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	pass(w, 5000);
	assert_int_equal(rename(w->drafts, file_of(w, "elsewhere")), 0);
	edit(w, "bad\n");
	WAIT();
	answer(w, CONFDIR_REFUSED, "bad", NULL);
	pass(w, 20000);
	HAS("bad\n");
	assert_int_equal(w->n_edits, 1);
	assert_int_equal(rename(file_of(w, "elsewhere"), w->drafts), 0);
	pass(w, 2 * CONFDIR_RETRY_MS);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 1);
	assert_string_equal(content(w->path), "bad\n");
}

static void an_event_that_was_missed_is_seen_later(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	pass(w, 5000);
	save(w, "web.conf", "mine\n");
	pass(w, CONFDIR_RESCAN_MS + CONFDIR_SETTLE_MS + 20);
	assert_int_equal(w->n_edits, 1);
}

static void a_change_of_the_same_size_is_seen(void **state)
{
	struct world *w = *state;
	FILE *f;

	head(w, "r1", "one\n");
	f = fopen(file_of(w, "web.conf"), "r+");
	assert_non_null(f);
	fputs("two\n", f);
	fclose(f);
	pass(w, 2 * CONFDIR_RESCAN_MS);
	assert_string_equal(w->text, "two\n");
}

static void who_still_writes_is_waited_for(void **state)
{
	struct world *w = *state;
	FILE *f;

	head(w, "r1", "one\n");
	pass(w, 5000);
	f = fopen(file_of(w, "web.conf"), "w");
	assert_non_null(f);
	fputs("half", f);
	fflush(f);
	confdir_touch(w->c, "web.conf");
	pass(w, 12000);
	assert_int_equal(w->n_edits, 0);
	assert_non_null(strstr(w->log, "open for writing"));
	fputs(" and half\n", f);
	fclose(f);
	confdir_touch(w->c, "web.conf");
	pass(w, 2 * CONFDIR_SETTLE_MS + 20);
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->text, "half and half\n");
}

/* Somebody has the file open while a new head takes its place. */
static void what_is_written_to_the_old_file_is_a_draft(void **state)
{
	struct world *w = *state;
	FILE *f;

	head(w, "r1", "one\n");
	pass(w, 5000);
	f = fopen(file_of(w, "web.conf"), "r+");
	assert_non_null(f);
	head(w, "r2", "two\n");
	fputs("new\n", f);
	fclose(f);
	pass(w, CONFDIR_OLD_MS + 100);
	HAS("two\n");
	assert_int_equal(w->n_drafts, 1);
	assert_string_equal(content(w->path), "new\n");
	assert_non_null(strstr(w->why, "in the moment"));
}

static void heads_that_come_quickly_lose_nothing(void **state)
{
	struct world *w = *state;
	char rev[16], text[16];

	for (int i = 0; i < 40; i++) {
		snprintf(rev, sizeof(rev), "r%d", i);
		snprintf(text, sizeof(text), "%d\n", i);
		head(w, rev, text);
		HAS(text);
	}
	pass(w, 10000);
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_drafts, 0);
}

static void a_new_head_waits_for_an_edit(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	head(w, "r2", "two\n");
	HAS("mine\n");
	WAIT();
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->base, "r1");
	answer(w, CONFDIR_REFUSED, "conflict", NULL);
	pass(w, 10);
	HAS("two\n");
	assert_int_equal(w->n_drafts, 1);
}

static void a_crash_between_record_and_file_is_no_edit(void **state)
{
	struct world *w = *state;
	char path[300];

	head(w, "r1", "one\n");
	pass(w, 5000);
	/* The services' folder cannot be written: the record says both. */
	snprintf(path, sizeof(path), "%s/.web.conf.new", w->services);
	assert_int_equal(mkdir(path, 0700), 0);
	head(w, "r2", "two\n");
	HAS("one\n");
	assert_int_equal(rmdir(path), 0);
	restart(w);
	head(w, "r2", "two\n");
	HAS("two\n");
	pass(w, 5000);
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_drafts, 0);
}

/* What it is based on is not known: the group says what it is. */
static void a_file_that_was_there_first_is_a_draft(void **state)
{
	struct world *w = *state;

	save(w, "web.conf", "theirs\n");
	head(w, "r1", "one\n");
	WAIT();
	HAS("theirs\n");
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->base, "");
	answer(w, CONFDIR_REFUSED, "its base is not known", "draft-1");
	pass(w, 10);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 0);
	edit(w, "mine\n");
	WAIT();
	assert_string_equal(w->base, "r1");
	/* One that cannot keep it. */
	pass(w, 5000);
	confdir_close(w->c);
	snprintf(w->path, sizeof(w->path), "%s/web.head", w->heads);
	assert_int_equal(unlink(w->path), 0);
	open_it(w);
	head(w, "r1", "one\n");
	WAIT();
	assert_string_equal(w->base, "");
	answer(w, CONFDIR_REFUSED, "its base is not known", NULL);
	pass(w, 10);
	HAS("one\n");
	assert_int_equal(w->n_drafts, 1);
	assert_string_equal(content(w->path), "mine\n");
}

/* A container of a snapshot, or a copy of one, without our record. */
static void an_old_copy_is_no_edit(void **state)
{
	struct world *w = *state;

	save(w, "web.conf", "old\n");
	head(w, "r9", "nine\n");
	WAIT();
	assert_string_equal(w->base, "");
	merged(w, "r9", "");
	pass(w, 10);
	HAS("nine\n");
	pass(w, 10000);
	assert_int_equal(w->n_edits, 1);
	assert_int_equal(w->n_drafts, 0);
	edit(w, "mine\n");
	WAIT();
	assert_string_equal(w->base, "r9");
}

static void a_file_that_equals_the_head_is_adopted(void **state)
{
	struct world *w = *state;

	save(w, "web.conf", "one\n");
	head(w, "r1", "one\n");
	pass(w, 5000);
	assert_int_equal(w->n_drafts, 0);
	edit(w, "mine\n");
	WAIT();
	assert_string_equal(w->base, "r1");
}

static void an_edit_of_a_deleted_service_is_a_draft(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	edit(w, "mine\n");
	WAIT();
	head(w, "", NULL);
	answer(w, CONFDIR_LATER, "no such service", NULL);
	pass(w, 10000);
	HAS("(none)");
	assert_int_equal(w->n_news, 1);
	assert_string_equal(content(w->path), "mine\n");
}

static void one_that_was_deleted_while_stopped_goes(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	restart(w);
	pass(w, 20000);
	HAS("one\n"); /* it may just not be named yet */
	confdir_all_named(w->c);
	pass(w, 5000);
	HAS("(none)");
}

static void others_files_are_left_alone(void **state)
{
	struct world *w = *state;
	const char *said;

	save(w, "note.conf", "x");
	save(w, "web.conf~", "x");
	save(w, ".web.conf.swp", "x");
	save(w, "#web.conf#", "x");
	head(w, "r1", "one\n");
	confdir_all_named(w->c);
	pass(w, 20000);
	assert_string_equal(content(file_of(w, "note.conf")), "x");
	assert_string_equal(content(file_of(w, "web.conf~")), "x");
	assert_string_equal(content(file_of(w, ".web.conf.swp")), "x");
	assert_string_equal(content(file_of(w, "#web.conf#")), "x");
	said = strstr(w->log, "note.conf");
	assert_non_null(said);
	assert_null(strstr(said + 1, "note.conf"));
	assert_null(strstr(w->log, "web.conf~"));
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(w->n_drafts, 0);
}

static void a_new_file_is_an_offer(void **state)
{
	struct world *w = *state;

	save(w, "mail.conf", "new\n");
	save(w, "empty.conf", "");
	save(w, "a b.conf", "no name\n");
	pass(w, 10000);
	assert_int_equal(w->n_offers, 0); /* it may be of one not named yet */
	head(w, "r1", "one\n");
	pass(w, 3 * CONFDIR_RESCAN_MS);
	assert_int_equal(w->n_offers, 1);
	assert_string_equal(w->offer, "mail: new\n");
	assert_non_null(strstr(w->log, "encap create mail --draft"));
	save(w, "mail.conf", "newer\n");
	pass(w, 3 * CONFDIR_RESCAN_MS);
	assert_int_equal(w->n_offers, 2);
	assert_string_equal(w->offer, "mail: newer\n");
	/* A service is made of it. */
	confdir_head(w->c, "mail", "m1", "newer\n");
	pass(w, 2 * CONFDIR_RESCAN_MS);
	assert_string_equal(w->offer, "mail: (none)");
	assert_int_equal(w->n_offers, 3);
	assert_int_equal(w->n_drafts, 0);
	save(w, "mail.conf", "newest\n");
	pass(w, 2 * CONFDIR_RESCAN_MS);
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->base, "m1");
	/* One that goes again. */
	save(w, "dns.conf", "dns\n");
	pass(w, 3 * CONFDIR_RESCAN_MS);
	assert_string_equal(w->offer, "dns: dns\n");
	unlink(file_of(w, "dns.conf"));
	pass(w, 2 * CONFDIR_RESCAN_MS);
	assert_string_equal(w->offer, "dns: (none)");
	assert_string_equal(content(file_of(w, "empty.conf")), "");
}

static void one_that_is_too_large_is_a_draft(void **state)
{
	struct world *w = *state;
	struct stat st;

	head(w, "r1", "one\n");
	edit(w, "big");
	assert_int_equal(truncate(file_of(w, "web.conf"), CONF_MAX_SIZE + 1),
			 0);
	WAIT();
	HAS("one\n");
	assert_int_equal(w->n_edits, 0);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_size, CONF_MAX_SIZE + 1);
	pass(w, 10000);
	assert_int_equal(w->n_drafts, 1);
}

/* The line that makes it so is told. */
static void a_long_line_is_named(void **state)
{
	struct world *w = *state;
	FILE *f;

	head(w, "r1", "one\n");
	f = fopen(file_of(w, "web.conf"), "w");
	assert_non_null(f);
	fputs("one\ntwo\n", f);
	for (size_t i = 0; i <= CONF_MAX_SIZE; i++)
		fputc('x', f);
	fclose(f);
	confdir_touch(w->c, "web.conf");
	WAIT();
	HAS("one\n");
	assert_non_null(strstr(w->why, "line 3: more than 64 KiB"));
}

static void what_is_no_file_makes_room(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(mkdir(file_of(w, "web.conf"), 0700), 0);
	assert_int_equal(mkdir(file_of(w, "web.conf/x"), 0700), 0);
	pass(w, 10000); /* nobody knows what should be there */
	assert_int_equal(stat(file_of(w, "web.conf/x"), &st), 0);
	head(w, "r1", "one\n");
	pass(w, 1000);
	HAS("one\n");
	assert_int_equal(stat(file_of(w, "web.conf.odd/x"), &st), 0);
	assert_non_null(strstr(w->news, "is a folder: it is moved to"));
	unlink(file_of(w, "web.conf"));
	assert_int_equal(symlink("/nowhere/at/all", file_of(w, "web.conf")), 0);
	confdir_touch(w->c, "web.conf");
	pass(w, 1000);
	HAS("one\n");
	assert_int_equal(lstat(file_of(w, "web.conf.odd-2"), &st), 0);
	assert_non_null(strstr(w->news, "is a link to nothing"));
	unlink(file_of(w, "web.conf"));
	assert_int_equal(mkfifo(file_of(w, "web.conf"), 0600), 0);
	confdir_touch(w->c, "web.conf");
	pass(w, 1000);
	HAS("one\n");
	assert_int_equal(w->n_news, 3);
	assert_int_equal(w->n_edits, 0);
	pass(w, 10000);
	assert_int_equal(w->n_drafts, 0);
}

static void a_folder_that_goes_is_made_again(void **state)
{
	struct world *w = *state;

	head(w, "r1", "one\n");
	pass(w, 5000);
	unlink(file_of(w, "web.conf"));
	assert_int_equal(rmdir(w->services), 0);
	pass(w, 3 * CONFDIR_RESCAN_MS);
	HAS("one\n");
}

static void names_do_not_mix(void **state)
{
	struct world *w = *state;

	confdir_head(w->c, "web", "r1", "one\n");
	confdir_head(w->c, "web.new", "n1", "new\n");
	confdir_head(w->c, "web.head", "h1", "head\n");
	confdir_head(w->c, "../web", "x", "out of there\n");
	pass(w, 5000);
	restart(w);
	save(w, "web.conf", "mine\n");
	confdir_head(w->c, "web", "r1", "one\n");
	confdir_head(w->c, "web.new", "n1", "new\n");
	confdir_head(w->c, "web.head", "h1", "head\n");
	pass(w, 1000);
	assert_int_equal(w->n_edits, 1);
	assert_string_equal(w->base, "r1");
	assert_string_equal(content(file_of(w, "web.new.conf")), "new\n");
	assert_string_equal(content(file_of(w, "../web.conf")), "(none)");
	assert_int_equal(w->n_drafts, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_head_is_a_file),
		TEST(nothing_is_left_of_one_that_is_gone),
		TEST(an_edit_is_proposed_and_becomes_the_head),
		TEST(the_head_may_come_before_the_answer),
		TEST(what_it_was_merged_to_is_written),
		TEST(a_merge_that_comes_late_is_waited_for),
		TEST(one_that_changes_nothing_is_replaced),
		TEST(a_refused_one_is_a_draft),
		TEST(one_that_the_group_keeps_is_not_kept_here),
		TEST(what_is_not_valid_yet_has_time),
		TEST(what_stays_not_valid_is_a_draft),
		TEST(an_empty_file_is_no_edit),
		TEST(one_that_was_mended_meanwhile_is_no_draft),
		TEST(without_a_leader_it_stays_and_comes_again),
		TEST(one_that_waits_is_told),
		TEST(one_that_was_taken_unheard_is_the_head),
		TEST(an_edit_while_stopped_is_based_on_what_was_there),
		TEST(a_restart_alone_is_no_edit),
		TEST(a_removed_file_comes_back),
		TEST(a_chmod_is_no_edit_and_holds),
		TEST(one_that_was_made_of_the_text_before),
		TEST(who_means_to_undo_may),
		TEST(a_folder_that_cannot_be_written_is_waited_for),
		TEST(what_cannot_be_kept_stays),
		TEST(an_event_that_was_missed_is_seen_later),
		TEST(a_change_of_the_same_size_is_seen),
		TEST(who_still_writes_is_waited_for),
		TEST(what_is_written_to_the_old_file_is_a_draft),
		TEST(heads_that_come_quickly_lose_nothing),
		TEST(a_new_head_waits_for_an_edit),
		TEST(a_crash_between_record_and_file_is_no_edit),
		TEST(a_file_that_was_there_first_is_a_draft),
		TEST(an_old_copy_is_no_edit),
		TEST(a_file_that_equals_the_head_is_adopted),
		TEST(an_edit_of_a_deleted_service_is_a_draft),
		TEST(one_that_was_deleted_while_stopped_goes),
		TEST(others_files_are_left_alone),
		TEST(a_new_file_is_an_offer),
		TEST(one_that_is_too_large_is_a_draft),
		TEST(a_long_line_is_named),
		TEST(what_is_no_file_makes_room),
		TEST(a_folder_that_goes_is_made_again),
		TEST(names_do_not_mix),
	};

	signal(SIGIO, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
