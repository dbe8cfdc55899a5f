/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * records-report - GET /api/v1/records: what is in the store, for people and their programs.
 *
 * ?kind=1m|5m|event|input&load=NAME&since=UNIX_S&until=UNIX_S&after=SEQUENCE&limit=N
 *
 * {"store":"...","records":[...],"next":N}: the records as upstreams get them, oldest first.
 * "next" is what to give as "after" to get more, null when there are no more; there may be
 * none in an answer that has a "next".
 */
#ifndef METERD_RECORDS_REPORT_H
#define METERD_RECORDS_REPORT_H

struct http_later;

/** records_report() - for struct http_report; @user is struct meterd */
unsigned int records_report(void *user, struct http_later *later, char *why);

#endif
