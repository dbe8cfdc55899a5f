// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http-page - the web page: its files are read once, when the server begins.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http-private.h"
#include "log.h"

#define FILE_MAX (1 << 20)

/**
 * struct page_file - a file of the page, read once
 * @path: path of the URL
 * @name: name in web_dir
 * @type: media type
 */
struct page_file {
	const char *path;
	const char *name;
	const char *type;
};

static const struct page_file page_files[PAGE_FILES] = {
	{ "/", "index.html", "text/html; charset=utf-8" },
	{ "/style.css", "style.css", "text/css; charset=utf-8" },
	{ "/app.js", "app.js", "text/javascript; charset=utf-8" },
	{ "/chart.js", "chart.js", "text/javascript; charset=utf-8" },
	{ "/io.js", "io.js", "text/javascript; charset=utf-8" },
	{ "/loads.js", "loads.js", "text/javascript; charset=utf-8" },
	{ "/modules.js", "modules.js", "text/javascript; charset=utf-8" },
	{ "/quality.js", "quality.js", "text/javascript; charset=utf-8" },
	{ "/show.js", "show.js", "text/javascript; charset=utf-8" },
	{ "/wiring.js", "wiring.js", "text/javascript; charset=utf-8" },
};

static char *read_file(const char *dir, const char *name, size_t *length)
{
	char *path, *text = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX)
		text = malloc(st.st_size + 1);
	if (text)
		n = read(fd, text, st.st_size);
	if (n < 0 || n != st.st_size) {
		free(text);
		text = NULL;
	}
	close(fd);
	*length = text ? n : 0;
	return text;
}

void http_page_load(struct http *h)
{
	const char *missing = NULL;
	bool others = false;
	size_t length;
	char *text;
	int i;

	if (!h->web_dir)
		return;
	for (i = 0; i < PAGE_FILES; i++) {
		text = read_file(h->web_dir, page_files[i].name, &length);
		if (!text) {
			others = missing != NULL;
			missing = missing ? missing : page_files[i].name;
			continue;
		}
		h->page[i] = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
		if (h->page[i])
			http_secure(h->page[i], page_files[i].type, "no-cache");
		else
			free(text);
	}
	if (missing)
		log_warning("[http] web_dir = %s: cannot read %s%s; the web page is not "
			    "available, the API is",
			    h->web_dir, missing, others ? " and others" : "");
}

void http_page_free(struct http *h)
{
	unsigned int i;

	for (i = 0; i < PAGE_FILES; i++)
		if (h->page[i])
			MHD_destroy_response(h->page[i]);
}

bool http_page_answer(struct http *h, struct MHD_Connection *connection, const char *url,
		      enum MHD_Result *ret)
{
	unsigned int i;

	for (i = 0; i < PAGE_FILES && strcmp(url, page_files[i].path); i++)
		;
	if (i == PAGE_FILES)
		return false;
	if (h->page[i])
		*ret = MHD_queue_response(connection, MHD_HTTP_OK, h->page[i]);
	else
		*ret = http_answer_error(connection, MHD_HTTP_NOT_FOUND,
					 "the web page is not installed (%s%s%s); the data are at "
					 "/api/v1/live",
					 h->web_dir ? h->web_dir : "no web_dir is configured",
					 h->web_dir ? "/" : "",
					 h->web_dir ? page_files[i].name : "");
	return true;
}
