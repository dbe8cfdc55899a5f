// SPDX-License-Identifier: GPL-2.0
/*
 * Whose turn it is on a segment's line: one transaction at a time, and none on a line
 * that has been stopped. The most urgent goes first, equals in the order in which they
 * came; but who is not urgent lets only so many samples pass, so that it comes to its end
 * however often they are asked for.
 *
 * Two things make a transaction wait although the line is free:
 *
 * - a unit that was given up may answer yet, and nothing in its answer would say
 *   that it is an old one: that unit, and whoever is not urgent, waits until it
 *   cannot come any more. All others go on, to them it is noise;
 * - while streams are on, housekeeping has a share of the line, so that it leaves
 *   room for repairs on a line that the streams nearly fill.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "segment-parts.h"

/* Housekeeping leaves the line alone for so many times what it took: a fifth. */
#define TURN_REST		4

/*
 * How many samples may pass those who are less urgent: a module whose answers are
 * damaged is asked again and again. In between, housekeeping uses less of the line than
 * its share. Control always passes.
 */
static const unsigned int turn_passes[SMAPPEE_PRIORITIES] = {
	[SMAPPEE_BACKGROUND] = 4,
	[SMAPPEE_HOUSEKEEPING] = 4,
};

/**
 * struct turn - somebody who waits for the line
 * @node: in the line's list, whose turn it is first
 * @priority: how urgent it is
 * @passed: how many that are no control have come later and gone before
 * @granted: the line is his, he only has to notice
 */
struct turn {
	struct list_head node;
	enum smappee_priority priority;
	unsigned int passed;
	bool granted;
};

/**
 * smappee_line_stop() - let no transaction begin any more
 * @line: the line
 *
 * One that is in flight ends by itself; those that wait fail.
 */
void smappee_line_stop(struct smappee_line *line)
{
	spin_lock(&line->lock);
	line->stopping = true;
	spin_unlock(&line->lock);
	wake_up_all(&line->free);
}

/**
 * smappee_line_queue() - queue a work now, unless the line has been stopped
 * @line: the line
 * @queue: where
 * @work: the work; if it waits for its time, that is now
 *
 * After smappee_line_stop() nothing is queued, so that who stops the line and then
 * cancels the work may destroy the queue. Context: any but interrupts.
 */
void smappee_line_queue(struct smappee_line *line,
			struct workqueue_struct *queue,
			struct delayed_work *work)
{
	spin_lock(&line->lock);
	if (!line->stopping)
		mod_delayed_work(queue, work, 0);
	spin_unlock(&line->lock);
}

static bool turn_is_over(struct smappee_line *line)
{
	bool busy;

	spin_lock(&line->lock);
	busy = line->busy;
	spin_unlock(&line->lock);

	return !busy;
}

/**
 * smappee_line_pause() - stop the line, and wait for what is in flight
 * @line: the line
 *
 * Until smappee_line_resume(), transactions fail as on a line that was stopped.
 */
void smappee_line_pause(struct smappee_line *line)
{
	smappee_line_stop(line);
	wait_event(line->free, turn_is_over(line));
}

/**
 * smappee_line_resume() - let transactions begin again
 * @line: the line
 *
 * Nobody knows what the port received meanwhile, so the first one waits until it
 * is quiet.
 */
void smappee_line_resume(struct smappee_line *line)
{
	spin_lock(&line->rx_lock);
	line->rx_dirty = true;
	spin_unlock(&line->rx_lock);
	spin_lock(&line->lock);
	line->stopping = false;
	spin_unlock(&line->lock);
}

/**
 * smappee_line_share() - shall housekeeping leave room for streams?
 * @line: the line
 * @share: it shall
 */
void smappee_line_share(struct smappee_line *line, bool share)
{
	spin_lock(&line->lock);
	line->share = share;
	spin_unlock(&line->lock);
}

/* Not before this, CLOCK_MONOTONIC, however free the line is. */
static s64 turn_begin(struct smappee_line *line, enum smappee_priority priority,
		      u8 unit)
{
	s64 begin_ns = 0;

	spin_lock(&line->lock);
	if (priority > SMAPPEE_SAMPLES || unit == line->stale_unit)
		begin_ns = line->stale_ns;
	if (priority == SMAPPEE_HOUSEKEEPING && line->share)
		begin_ns = max(begin_ns, line->rest_ns);
	spin_unlock(&line->lock);

	return begin_ns;
}

/* Pass all that are less urgent, up to one whom enough have passed. */
static void turn_queue(struct smappee_line *line, struct turn *turn)
{
	struct turn *other;

	spin_lock(&line->lock);
	list_for_each_entry_reverse(other, &line->turns, node) {
		if (other->priority <= turn->priority)
			break;
		if (turn->priority == SMAPPEE_CONTROL)
			continue;
		if (other->passed >= turn_passes[other->priority])
			break;
		other->passed++;
	}
	list_add(&turn->node, &other->node);
	spin_unlock(&line->lock);
	/* Whoever has the line and is less urgent may give way. */
	wake_up(&line->rx_done);
}

/* Have the line if it is our turn; true also if we must give up waiting. */
static bool turn_try(struct smappee_line *line, struct turn *turn, int *status)
{
	bool done;

	spin_lock(&line->lock);
	*status = line->stopping ? -ESHUTDOWN : 0;
	done = turn->granted || line->stopping ||
	       (!line->busy && list_is_first(&turn->node, &line->turns));
	if (done && !turn->granted) {
		list_del(&turn->node);
		turn->granted = !line->stopping;
		line->busy |= turn->granted;
	}
	spin_unlock(&line->lock);

	return done;
}

/*
 * The next one has the line from now on, even if whoever asks again at once is quicker
 * than he is to wake up.
 */
static void turn_release(struct smappee_line *line)
{
	struct turn *next;

	spin_lock(&line->lock);
	next = list_first_entry_or_null(&line->turns, struct turn, node);
	if (next && !line->stopping) {
		list_del(&next->node);
		next->granted = true;
	} else {
		line->busy = false;
	}
	spin_unlock(&line->lock);
	wake_up_all(&line->free);
}

/**
 * smappee_turn_take() - wait for the line, and have it
 * @line: the line
 * @priority: how urgent it is
 * @unit: who will be asked
 *
 * Context: may sleep; not interruptible.
 * Return: 0, to be followed by smappee_turn_end(), or -ESHUTDOWN.
 */
int smappee_turn_take(struct smappee_line *line, enum smappee_priority priority,
		      u8 unit)
{
	struct turn turn = { .priority = priority };
	s64 wait_ns;
	int status;

	for (;;) {
		wait_ns = turn_begin(line, priority, unit) - ktime_get_ns();
		if (wait_ns > 0)
			wait_event_hrtimeout(line->free,
					     READ_ONCE(line->stopping),
					     ns_to_ktime(wait_ns));
		turn.granted = false;
		turn_queue(line, &turn);
		wait_event(line->free, turn_try(line, &turn, &status));
		if (!status &&
		    turn_begin(line, priority, unit) <= ktime_get_ns())
			return 0;
		/* The line was stopped, or somebody gave up the same unit. */
		if (turn.granted)
			turn_release(line);
		if (status)
			return status;
	}
}

/**
 * smappee_turn_end() - let others have the line
 * @line: the line
 * @priority: how urgent it was
 * @took_ns: for how long others had to wait for it
 */
void smappee_turn_end(struct smappee_line *line, enum smappee_priority priority,
		      s64 took_ns)
{
	if (priority == SMAPPEE_HOUSEKEEPING) {
		spin_lock(&line->lock);
		line->rest_ns = ktime_get_ns() + TURN_REST * took_ns;
		spin_unlock(&line->lock);
	}
	turn_release(line);
}

/**
 * smappee_turn_stale() - a unit was given up that may answer yet
 * @line: the line, which the caller has
 * @unit: the unit
 * @us: it cannot any more after this time
 */
void smappee_turn_stale(struct smappee_line *line, u8 unit, unsigned int us)
{
	spin_lock(&line->lock);
	line->stale_unit = unit;
	line->stale_ns = ktime_get_ns() + (s64)us * NSEC_PER_USEC;
	spin_unlock(&line->lock);
}

/**
 * smappee_turn_urgent() - does somebody wait who is more urgent?
 * @line: the line, which the caller has
 * @priority: how urgent the caller is
 *
 * Return: whether there is one.
 */
bool smappee_turn_urgent(struct smappee_line *line,
			 enum smappee_priority priority)
{
	bool urgent = false;
	struct turn *turn;

	spin_lock(&line->lock);
	list_for_each_entry(turn, &line->turns, node)
		urgent |= turn->priority < priority;
	spin_unlock(&line->lock);

	return urgent;
}

/**
 * smappee_line_wanted() - would a transaction that is not urgent have to wait?
 * @line: the line
 *
 * Return: whether somebody has the line or waits for it now.
 */
bool smappee_line_wanted(struct smappee_line *line)
{
	bool busy;

	spin_lock(&line->lock);
	busy = line->busy;
	spin_unlock(&line->lock);

	return busy || smappee_turn_urgent(line, SMAPPEE_PRIORITIES);
}
