// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * screen - see screen.h. The table may be longer than the terminal; @top is the
 * first line that is shown.
 */
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "screen.h"
#include "table.h"

/* Lines that are not part of the table: title above, keys below. */
#define TITLE_LINES 2
#define FOOT_LINES 1

/**
 * struct screen - the terminal
 * @terminal: of ncurses
 * @top: first line of the table that is shown
 * @lines: lines of the table when it was drawn last
 * @line: line that is being drawn
 * @stale: the values are old
 */
struct screen {
	SCREEN *terminal;
	int top;
	int lines;
	int line;
	bool stale;
};

static int visible(void)
{
	int n = LINES - TITLE_LINES - FOOT_LINES;

	return n > 1 ? n : 1;
}

static void scroll_by(struct screen *s, int by)
{
	int last = s->lines > visible() ? s->lines - visible() : 0;

	s->top += by;
	if (s->top > last)
		s->top = last;
	if (s->top < 0)
		s->top = 0;
}

struct screen *screen_open(void)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal) {
		fprintf(stderr,
			"meterctl: TERM=%s: this terminal is not known; set TERM, or write to a "
			"pipe: meterctl live | cat\n",
			getenv("TERM") ? getenv("TERM") : "");
		free(s);
		return NULL;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return s;
}

static void draw_line(void *context, enum table_style style, const char *text)
{
	struct screen *s = context;
	int y = s->line++ - s->top;
	attr_t attributes = style == TABLE_HEAD	   ? A_UNDERLINE
			    : style == TABLE_TOTAL ? A_BOLD
						   : A_NORMAL;

	if (y < 0 || y >= visible())
		return;
	if (s->stale)
		attributes = A_DIM;
	attrset(attributes);
	mvaddnstr(y + TITLE_LINES, 0, text, -1);
	attrset(A_NORMAL);
}

void screen_show(struct screen *s, struct json_object *reading, const char *title, bool stale)
{
	s->stale = stale;
	s->line = 0;
	erase();
	attrset(stale ? A_REVERSE | A_BOLD : A_BOLD);
	mvaddnstr(0, 0, title, COLS);
	attrset(A_NORMAL);
	if (reading)
		table_live(reading, draw_line, s);
	s->lines = s->line;
	scroll_by(s, 0);
	attrset(A_DIM);
	mvaddnstr(LINES - 1, 0,
		  s->lines > visible() ? "q quit   up, down, page up, page down scroll" : "q quit",
		  COLS);
	attrset(A_NORMAL);
	refresh();
}

bool screen_keys(struct screen *s)
{
	int key;

	while ((key = getch()) != ERR) {
		switch (key) {
		case 'q':
		case 'Q':
		case 27:
			return false;
		case KEY_UP:
			scroll_by(s, -1);
			break;
		case KEY_DOWN:
			scroll_by(s, 1);
			break;
		case KEY_PPAGE:
			scroll_by(s, -visible());
			break;
		case KEY_NPAGE:
			scroll_by(s, visible());
			break;
		}
	}
	return true;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	endwin();
	delscreen(s->terminal);
	free(s);
}
