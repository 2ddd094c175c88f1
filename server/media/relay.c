/* The usual packet's way from one socket to another: what lane.py does, for as long as it says so, in a thread that
 * never waits for Python's. See native.py.
 *
 * Whoever looks at lanes, inlets, outlets, rings or SRTP sessions is inside relay_enter and relay_leave. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"

#define BATCH 16
#define ROUNDS 2
#define CAPACITY 2048
#define TRAILER 256
#define MAX_EVENTS 64
#define RING 1024
#define BLOCK 64
#define MOST_LEFT (BATCH * (sizeof(struct left) + CAPACITY))
#define STALL_US 1000
#define NICENESS -10
/* How long sound may wait for whoever records and transcribes it; they are told when it came. */
#define HEARD_WITHIN_S 0.02

typedef int (*srtp_call)(void *, void *, int *);

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage addresses[BATCH];
    uint64_t control[BATCH][8];
    uint8_t packets[BATCH][CAPACITY + TRAILER];
};

struct moment {
    double monotonic_s;
    double since_1970_s;
};

static const double BOUNDS_S[RELAY_LATENCIES - 1] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
                                                     0.01,   0.02,   0.05,   0.1,   0.5};
static __thread struct batch batch;
static pthread_mutex_t gate;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_gate(void)
{
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT);
    if (pthread_mutex_init(&gate, &how)) {
        /* No priority inheritance in this kernel; without being recursive it would lock itself out. */
        pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_NONE);
        pthread_mutex_init(&gate, &how);
    }
    pthread_mutexattr_destroy(&how);
}

void relay_enter(void)
{
    pthread_once(&made, make_gate);
    pthread_mutex_lock(&gate);
}

/* 0: entered. */
int relay_try_enter(void)
{
    pthread_once(&made, make_gate);
    return pthread_mutex_trylock(&gate);
}

void relay_leave(void) { pthread_mutex_unlock(&gate); }

static uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static uint32_t read32(const uint8_t *p) { return (uint32_t)read16(p) << 16 | read16(p + 2); }

static void write16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void write32(uint8_t *p, uint32_t value)
{
    write16(p, (uint16_t)(value >> 16));
    write16(p + 2, (uint16_t)value);
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static const struct layout *find_layout(const struct lane *lane, const uint8_t *block, int octets)
{
    for (int i = 0; i < RELAY_LAYOUTS; i++) {
        const struct layout *layout = &lane->layouts[i];
        if (layout->octets != octets)
            continue;
        int differs = 0;
        for (int j = 0; j < octets; j++)
            differs |= (block[j] & layout->mask[j]) ^ layout->expected[j];
        if (!differs)
            return layout;
    }
    return 0;
}

/* Rewrites a decrypted packet where it lies and returns where its payload begins; 0, and nothing done, if it is not
 * the one this lane is open for. */
static int rewrite(struct lane *lane, uint8_t *packet, int octets)
{
    int start = 12;
    if (!lane->open || octets < 20 || octets > RELAY_SLOT)
        return 0;
    if (read32(packet + 8) != lane->ssrc_in || read16(packet + 2) != lane->next_in)
        return 0;
    if (packet[0] == 0x90) {
        int block = 4 + 4 * packet[15];
        if (packet[14] || block > BLOCK || octets < 12 + block)
            return 0;
        const struct layout *layout = find_layout(lane, packet + 12, block);
        if (!layout)
            return 0;
        if (!layout->same)
            for (int i = 0; i < block; i++)
                packet[12 + i] = (uint8_t)((packet[12 + i] & layout->keep[i]) | layout->fixed[i]);
        start += block;
    } else if (packet[0] != 0x80) {
        return 0;
    }
    uint16_t sequence = (uint16_t)(lane->next_in + lane->sequence_offset);
    lane->next_in++;
    lane->newest_timestamp = read32(packet + 4) + lane->timestamp_offset;
    lane->packets++;
    lane->octets += (uint64_t)(octets - start);
    packet[1] = (uint8_t)((packet[1] & 0x80) | lane->payload_type);
    write16(packet + 2, sequence);
    write32(packet + 4, lane->newest_timestamp);
    write32(packet + 8, lane->ssrc_out);
    if (lane->ring) {
        int slot = sequence % RING;
        lane->ring->octets[slot] = (uint16_t)octets;
        memcpy(lane->ring->packets + (size_t)slot * RELAY_SLOT, packet, (size_t)octets);
    }
    return start;
}

static void tell(struct relay *relay)
{
    if (!relay->told) {
        relay->told = 1;
        eventfd_write(relay->event_fd, 1);
    }
}

/* Leaves something to Python; there is room. */
static struct left *leave(struct relay *relay, int kind, const uint8_t *packet, int octets)
{
    struct left *left = (struct left *)(relay->tray + relay->tray_octets);
    memset(left, 0, sizeof *left);
    left->kind = kind;
    left->octets = octets;
    if (octets)
        memcpy(left + 1, packet, (size_t)octets);
    relay->tray_octets += (int)sizeof *left + ((octets + 7) & ~7);
    return left;
}

/* What nobody has verified may fill a share of each tray: who floods one socket must not keep the others waiting. */
static int has_share(const struct relay *relay, struct inlet *inlet, int octets)
{
    if (inlet->take != relay->take) {
        inlet->take = relay->take;
        inlet->raw_octets = 0;
    }
    if (inlet->raw_octets >= RELAY_SHARE)
        return 0;
    inlet->raw_octets += (int)sizeof(struct left) + octets;
    return 1;
}

static int send_on(const struct relay *relay, struct outlet *outlet, uint8_t *packet, int octets)
{
    if (outlet->fd < 0 || ((srtp_call)relay->protect)((void *)outlet->srtp, packet, &octets)) {
        outlet->failed++;
        return 0;
    }
    ssize_t sent = sendto(outlet->fd, packet, (size_t)octets, MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)outlet->address, (socklen_t)outlet->address_octets);
    if (sent < 0)
        outlet->dropped++;
    return sent >= 0;
}

/* When the kernel took a packet in, as seconds since 1970; 0 if it does not say. */
static double stamp_s(struct msghdr *message)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(control), sizeof at);
            return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
        }
    return 0;
}

static void note_latency(struct relay *relay, double latency_s)
{
    int i = 0;
    while (i < RELAY_LATENCIES - 1 && latency_s > BOUNDS_S[i])
        i++;
    relay->latencies[i]++;
    relay->latency_sum_s += latency_s > 0 ? latency_s : 0;
}

static void read_header(struct left *left)
{
    const uint8_t *packet = (const uint8_t *)(left + 1);
    left->marker = packet[1] >> 7;
    left->sequence_number = read16(packet + 2);
    left->timestamp = read32(packet + 4);
    left->ssrc = read32(packet + 8);
}

/* Sends a packet on if its lane is open for it, else leaves it to Python: RAW as it came, DECRYPTED for no open lane.
 * HEARD is sound that was sent on and that others want too. */
static void pass_or_leave(struct relay *relay, struct inlet *inlet, int fd, int number, const struct moment *now)
{
    struct msghdr *message = &batch.messages[number].msg_hdr;
    uint8_t *packet = batch.packets[number];
    int octets = (int)batch.messages[number].msg_len, start = 0;
    double came_s = stamp_s(message), age_s = came_s ? now->since_1970_s - came_s : 0;
    struct left *left = 0;
    struct lane *lane = 0;
    relay->seen++;
    if (octets < 12 || packet[0] < 128 || packet[0] > 191 || (packet[1] >= 192 && packet[1] <= 223) || !inlet->srtp) {
        if (!has_share(relay, inlet, octets)) {
            inlet->refused++;
            return;
        }
        left = leave(relay, RELAY_RAW, packet, octets);
    } else if (((srtp_call)relay->unprotect)((void *)inlet->srtp, packet, &octets)) {
        inlet->refused++;
        return;
    } else {
        lane = inlet->lanes[packet[1] & 0x7F];
        /* Encryption takes the place of sound that others want: it is kept first, and becomes HEARD if it is sent. */
        if (lane && lane->heard)
            left = leave(relay, RELAY_DECRYPTED, packet, octets);
        start = lane ? rewrite(lane, packet, octets) : 0;
        if (!start && !left)
            left = leave(relay, RELAY_DECRYPTED, packet, octets);
    }
    if (left) {
        left->fd = fd;
        left->at_s = now->monotonic_s - (age_s > 0 && age_s < 1 ? age_s : 0);
    }
    if (!start) {
        left->address_octets = (int)message->msg_namelen;
        memcpy(left->address, &batch.addresses[number], sizeof left->address);
        if (left->kind == RELAY_DECRYPTED)
            inlet->left[packet[1] & 0x7F]++;
        tell(relay);
        return;
    }
    lane->newest_s = now->monotonic_s;
    if (left) {
        left->kind = RELAY_HEARD;
        left->lane = lane->heard;
        left->start = start;
        read_header(left);
        if (!relay->heard_since_s)
            relay->heard_since_s = now->monotonic_s;
    }
    if (send_on(relay, lane->outlet, packet, octets) && came_s)
        note_latency(relay, clock_s(CLOCK_REALTIME) - came_s);
}

/* 0: it is not what the lane is open for. */
static int pass_left(struct relay *relay, struct lane *lane, struct left *left)
{
    uint8_t packet[CAPACITY + TRAILER];
    memcpy(packet, left + 1, (size_t)left->octets);
    int start = rewrite(lane, packet, left->octets);
    if (!start)
        return 0;
    lane->newest_s = left->at_s;
    left->kind = RELAY_PASSED;
    if (lane->heard) {
        left->kind = RELAY_HEARD;
        left->lane = lane->heard;
        left->start = start;
        read_header(left);
    }
    if (send_on(relay, lane->outlet, packet, left->octets))
        note_latency(relay, clock_s(CLOCK_MONOTONIC) - left->at_s);
    return 1;
}

static int next_left(int at, const struct left *left) { return at + (int)sizeof *left + ((left->octets + 7) & ~7); }

static int payload_type_of(const struct left *left) { return ((const uint8_t *)(left + 1))[1] & 0x7F; }

/* Sends what was left to Python, has not been looked at and is what the lane, now open, is open for. A lane takes the
 * very next number alone: without this, once Python is behind, every later packet of the stream would be left to it,
 * and a busy server would never catch up. Ends at the first that the lane does not take: so would all behind it. */
void relay_catch_up(struct relay *relay, struct inlet *inlet, struct lane *lane, int payload_type)
{
    relay_enter();
    uint8_t *trays[2] = {relay->taken, relay->tray};
    int from[2] = {relay->position, 0}, to[2] = {relay->taken_octets, relay->tray_octets};
    for (int i = 0; i < 2; i++)
        for (int at = from[i]; at < to[i] && inlet->left[payload_type];) {
            struct left *left = (struct left *)(trays[i] + at);
            at = next_left(at, left);
            if (left->kind != RELAY_DECRYPTED || payload_type_of(left) != payload_type ||
                relay->inlets[left->fd] != inlet)
                continue;
            if (!pass_left(relay, lane, left))
                goto done;
            inlet->left[payload_type]--;
        }
done:
    relay_leave();
}

/* Python looks at what lies at a position of the tray it has taken; a lane that opens meanwhile begins behind it. */
void relay_next(struct relay *relay, int position, int next)
{
    relay_enter();
    const struct left *left = (const struct left *)(relay->taken + position);
    struct inlet *inlet = left->kind == RELAY_DECRYPTED ? relay->inlets[left->fd] : 0;
    if (inlet && inlet->left[payload_type_of(left)])
        inlet->left[payload_type_of(left)]--;
    relay->position = next;
    relay_leave();
}

/* Counts a packet that Python sent on. */
void relay_note_late(struct relay *relay, double at_s)
{
    relay_enter();
    note_latency(relay, clock_s(CLOCK_MONOTONIC) - at_s);
    relay_leave();
}

static int receive(int fd)
{
    for (int i = 0; i < BATCH; i++) {
        struct msghdr *message = &batch.messages[i].msg_hdr;
        batch.parts[i].iov_base = batch.packets[i];
        batch.parts[i].iov_len = CAPACITY;
        message->msg_iov = &batch.parts[i];
        message->msg_iovlen = 1;
        message->msg_name = &batch.addresses[i];
        message->msg_namelen = sizeof batch.addresses[i];
        message->msg_control = batch.control[i];
        message->msg_controllen = sizeof batch.control[i];
    }
    return recvmmsg(fd, batch.messages, BATCH, MSG_DONTWAIT, 0);
}

/* Reads what has arrived at a socket; stops, and lets the kernel keep the rest, when Python has no room left. */
void relay_drain(struct relay *relay, struct inlet *inlet, int fd)
{
    relay_enter();
    for (int round = 0; round < ROUNDS; round++) {
        /* Room for whatever a round may leave: nothing below asks again. */
        if (relay->tray_octets + (int)MOST_LEFT > RELAY_TRAY) {
            relay->stalls++;
            tell(relay);
            break;
        }
        int count = receive(fd);
        struct moment now = {clock_s(CLOCK_MONOTONIC), clock_s(CLOCK_REALTIME)};
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            struct left *left = leave(relay, RELAY_FAILED, 0, 0);
            left->fd = fd;
            left->start = errno;
            tell(relay);
        }
        for (int i = 0; i < count; i++)
            pass_or_leave(relay, inlet, fd, i, &now);
        if (count < BATCH)
            break;
    }
    relay_leave();
}

/* Hands over what was left to Python and writes to the other tray from now on. */
int relay_take(struct relay *relay, uint8_t *tray)
{
    eventfd_t told;
    relay_enter();
    eventfd_read(relay->event_fd, &told);
    int octets = relay->tray_octets;
    relay->taken = relay->tray;
    relay->taken_octets = octets;
    relay->position = 0;
    relay->tray = tray;
    relay->take++;
    relay->tray_octets = 0;
    relay->told = 0;
    relay->heard_since_s = 0;
    relay_leave();
    return octets;
}

/* Python asks for nothing while sound alone is left: it is told in time. Returns how long to wait at most. */
static int tell_in_time(struct relay *relay)
{
    int wait_ms = -1;
    relay_enter();
    if (relay->heard_since_s && !relay->told) {
        double remaining_s = relay->heard_since_s + HEARD_WITHIN_S - clock_s(CLOCK_MONOTONIC);
        wait_ms = remaining_s > 0 ? (int)(remaining_s * 1e3) + 1 : -1;
        if (remaining_s <= 0)
            tell(relay);
    }
    relay_leave();
    return wait_ms;
}

static void ask_for_precedence(void)
{
    int policy;
    struct sched_param how;
    if (pthread_getschedparam(pthread_self(), &policy, &how))
        return;
    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        how.sched_priority++;
        pthread_setschedparam(pthread_self(), policy, &how);
    } else {
        setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    }
}

static void *run(void *argument)
{
    struct relay *relay = argument;
    struct epoll_event ready[MAX_EVENTS];
    pthread_setname_np(pthread_self(), "media-relay");
    ask_for_precedence();
    int wait_ms = -1;
    while (!__atomic_load_n(&relay->stopping, __ATOMIC_ACQUIRE)) {
        int count = epoll_wait(relay->epoll_fd, ready, MAX_EVENTS, wait_ms);
        uint64_t stalls = relay->stalls;
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            relay_enter();
            struct inlet *inlet = fd < RELAY_DESCRIPTORS ? relay->inlets[fd] : 0;
            if (inlet)
                relay_drain(relay, inlet, fd);
            relay_leave();
        }
        if (relay->stalls != stalls)
            usleep(STALL_US);
        wait_ms = tell_in_time(relay);
    }
    return 0;
}

static void close_descriptors(struct relay *relay)
{
    if (relay->epoll_fd >= 0)
        close(relay->epoll_fd);
    if (relay->event_fd >= 0)
        close(relay->event_fd);
    relay->epoll_fd = relay->event_fd = -1;
}

/* Makes a relay that only its caller drains, until it is started. Below 0: errno says why not. */
int relay_open(struct relay *relay)
{
    /* Waits for nothing yet: it is what ends the thread, which must not need another descriptor. */
    struct epoll_event event = {.events = 0, .data.fd = RELAY_DESCRIPTORS};
    relay->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (relay->event_fd >= 0 && relay->epoll_fd >= 0 &&
        !epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, relay->event_fd, &event))
        return 0;
    int why = errno;
    close_descriptors(relay);
    errno = why;
    return -1;
}

int relay_start(struct relay *relay)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, 0, run, relay);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    if (failed) {
        errno = failed;
        return -1;
    }
    relay->thread = (uintptr_t)thread;
    return 0;
}

/* Ends the thread; its caller is not inside relay_enter, where the thread would wait for it. */
void relay_close(struct relay *relay)
{
    if (relay->thread) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = RELAY_DESCRIPTORS};
        __atomic_store_n(&relay->stopping, 1, __ATOMIC_RELEASE);
        epoll_ctl(relay->epoll_fd, EPOLL_CTL_MOD, relay->event_fd, &event);
        eventfd_write(relay->event_fd, 1);
        pthread_join((pthread_t)relay->thread, 0);
        relay->thread = 0;
    }
    close_descriptors(relay);
}

/* Reads a socket from now on. Below 0: errno says why not. */
int relay_watch(struct relay *relay, int fd, struct inlet *inlet)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    int on = 1;
    relay_enter();
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    int failed = epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (!failed)
        relay->inlets[fd] = inlet;
    relay_leave();
    return failed;
}

void relay_forget(struct relay *relay, int fd)
{
    relay_enter();
    relay->inlets[fd] = 0;
    epoll_ctl(relay->epoll_fd, EPOLL_CTL_DEL, fd, 0);
    relay_leave();
}
