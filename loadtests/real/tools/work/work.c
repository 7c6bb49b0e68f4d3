/*
 * What the pods of the real tier run: one static program that is an image's only file.
 *
 *   work                      sleeps until it is told to end: the sandbox ("pause") container
 *   work WORD...              a load, made of words:
 *     cpu=PERCENT             of one CPU; rises and falls by half within 40 s, so that two reads differ
 *     hold=MIB                touched once and held
 *     wave=MIB                touched and given back, in a slow wave: memory and page faults move
 *     file=PATH:KIB           written again and again, KIB per second, at most 64 times that long: page cache and disk
 *     send=ADDRESS:BYTES      UDP to port 9 of an IPv4 address, bytes per second
 *     once=PATH               fails at its first start, which it knows by the file: a container that was restarted
 *     end=SECONDS:STATUS      ends by itself: an init container, a container that restarts
 *
 * It works in rounds of 100 ms and ends with status 0 at SIGTERM, as a well-behaved container does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024L * 1024L)
#define ROUND_NS 100000000L
#define WAVE_ROUNDS 400

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	if (number == SIGCHLD) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	} else {
		stop = 1;
	}
}

static long now_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static char *map(long bytes)
{
	char *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static void touch(char *memory, long bytes)
{
	for (long at = 0; at < bytes; at += 4096)
		memory[at] = (char)at;
}

/* From 50 to 150 and back within WAVE_ROUNDS. */
static long wave_percent(long round)
{
	long at = round % WAVE_ROUNDS, half = WAVE_ROUNDS / 2;
	return 50 + 100 * (at < half ? at : WAVE_ROUNDS - at) / half;
}

struct load {
	long cpu, wave, kib, bytes, seconds, status;
	const char *path;
	struct sockaddr_in to;
	char *memory, *block;
	int file, socket;
};

/* The text after "name=" if the word begins so. */
static const char *value(const char *word, const char *name)
{
	size_t length = strlen(name);
	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* Cuts "text:number" and gives the number. */
static long cut(char *text)
{
	char *colon = strrchr(text, ':');
	if (!colon)
		fail("no colon");
	*colon = 0;
	return atol(colon + 1);
}

static void parse(struct load *load, const char *word)
{
	const char *text;
	char copy[256];
	if ((text = value(word, "cpu"))) {
		load->cpu = atol(text);
	} else if ((text = value(word, "hold"))) {
		touch(map(atol(text) * MIB), atol(text) * MIB);
	} else if ((text = value(word, "wave"))) {
		load->wave = atol(text);
		load->memory = map(2 * load->wave * MIB);
	} else if ((text = value(word, "file"))) {
		char *path = strdup(text);
		load->kib = cut(path);
		load->path = path;
		load->block = map(load->kib * 1024);
		if ((load->file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644)) < 0)
			fail(path);
	} else if ((text = value(word, "send"))) {
		snprintf(copy, sizeof copy, "%s", text);
		load->bytes = cut(copy);
		load->to.sin_family = AF_INET;
		load->to.sin_port = htons(9);
		if (inet_pton(AF_INET, copy, &load->to.sin_addr) != 1)
			fail(copy);
		if ((load->socket = socket(AF_INET, SOCK_DGRAM, 0)) < 0)
			fail("socket");
	} else if ((text = value(word, "once"))) {
		int file = open(text, O_CREAT | O_EXCL | O_WRONLY, 0644);
		if (file >= 0)
			exit(1);
	} else if ((text = value(word, "end"))) {
		snprintf(copy, sizeof copy, "%s", text);
		load->status = cut(copy);
		load->seconds = atol(copy);
	} else {
		fprintf(stderr, "no word %s\n", word);
		exit(64);
	}
}

static void round_of(struct load *load, long round)
{
	static char packet[1400];
	if (load->cpu) {
		long until = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ROUND_NS / 10000 * load->cpu * wave_percent(round);
		while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < until)
			;
	}
	/* A second of work in each tenth round. */
	if (round % 10)
		return;
	if (load->wave) {
		long bytes = load->wave * MIB / 100 * wave_percent(round);
		madvise(load->memory, (size_t)(2 * load->wave * MIB), MADV_DONTNEED);
		touch(load->memory, bytes);
	}
	if (load->kib && pwrite(load->file, load->block, (size_t)load->kib * 1024, round / 10 % 64 * load->kib * 1024) < 0)
		fail(load->path);
	for (long sent = 0; sent < load->bytes; sent += (long)sizeof packet)
		/* Nobody has to be there. */
		(void)!sendto(load->socket, packet, sizeof packet, 0, (struct sockaddr *)&load->to, sizeof load->to);
}

int main(int count, char **words)
{
	struct load load = {0};
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
	for (int at = 1; at < count; at++)
		parse(&load, words[at]);
	/* A line of log for each container. */
	if (count > 1) {
		printf("%s\n", words[1]);
		fflush(stdout);
	}
	if (count == 1) {
		while (!stop)
			pause();
		return 0;
	}
	for (long round = 0; !stop; round++) {
		struct timespec rest = {0, ROUND_NS};
		if (load.seconds && round >= load.seconds * 10)
			return (int)load.status;
		round_of(&load, round);
		nanosleep(&rest, NULL);
	}
	return 0;
}
