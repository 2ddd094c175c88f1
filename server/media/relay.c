/* The usual packet's way from one socket to another: what lane.py does, for as long as it says so. See native.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "relay.h"

#define MAX_PER_WAKE_UP 32
#define MAX_EVENTS 64
/* How long sound may wait for whoever records and transcribes it; they are told when it came. */
#define HEARD_WITHIN_S 0.005
#define RING 1024

typedef int (*srtp_call)(void *, void *, int *);

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
int relay_rewrite(struct lane *lane, uint8_t *packet, int octets)
{
    int start = 12;
    if (!lane->open || octets < 20 || octets > RELAY_SLOT)
        return 0;
    if (read32(packet + 8) != lane->ssrc_in || read16(packet + 2) != lane->next_in)
        return 0;
    if (packet[0] == 0x90) {
        int block = 4 + 4 * packet[15];
        if (packet[14] || block > RELAY_BLOCK || octets < 12 + block)
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

static void send_on(const struct relay *relay, struct outlet *outlet, int octets)
{
    if (outlet->fd < 0 || ((srtp_call)relay->protect)((void *)outlet->srtp, relay->packet, &octets)) {
        outlet->failed++;
        return;
    }
    ssize_t sent = sendto(outlet->fd, relay->packet, (size_t)octets, MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)outlet->address, (socklen_t)outlet->address_octets);
    if (sent < 0)
        outlet->dropped++;
}

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Reads what has arrived and passes on what is for an open lane. Returns at the first packet that somebody else has
 * to look at: RAW as it came, DECRYPTED for no open lane; HEARD when there is no more room for sound. */
int relay_drain(struct relay *relay, struct inlet *inlet, int fd)
{
    uint8_t *packet = relay->packet;
    double now_s = 0;
    for (int i = 0; i < MAX_PER_WAKE_UP; i++) {
        if (relay->heard_count == RELAY_HEARD_MOST)
            return RELAY_HEARD;
        socklen_t length = sizeof relay->address;
        ssize_t received = recvfrom(fd, packet, RELAY_CAPACITY, MSG_DONTWAIT,
                                    (struct sockaddr *)relay->address, &length);
        if (received < 0) {
            relay->error = errno;
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? RELAY_NOTHING : RELAY_FAILED;
        }
        relay->address_octets = (int)length;
        relay->octets = (int)received;
        if (received < 12 || packet[0] < 128 || packet[0] > 191 || (packet[1] >= 192 && packet[1] <= 223) ||
            !inlet->srtp)
            return RELAY_RAW;
        int octets = (int)received;
        if (((srtp_call)relay->unprotect)((void *)inlet->srtp, packet, &octets)) {
            inlet->refused++;
            continue;
        }
        relay->octets = octets;
        struct lane *lane = inlet->lanes[packet[1] & 0x7F];
        if (!lane)
            return RELAY_DECRYPTED;
        struct heard *heard = lane->heard ? &relay->heard[relay->heard_count] : 0;
        if (heard && octets <= RELAY_SLOT)
            memcpy(heard->packet, packet, (size_t)octets);
        int start = relay_rewrite(lane, packet, octets);
        if (!start)
            return RELAY_DECRYPTED;
        if (!now_s)
            now_s = monotonic_s();
        lane->newest_s = now_s;
        if (heard) {
            heard->lane = lane->heard;
            heard->at_s = now_s;
            heard->octets = octets;
            heard->start = start;
            relay->heard_count++;
        }
        send_on(relay, lane->outlet, octets);
    }
    return RELAY_NOTHING;
}

/* Waits for a descriptor of `epoll_fd`, passing packets on meanwhile. Returns when Python has something to do: a
 * packet of `fd` as relay_drain has it, sound that has waited, OTHERS when a descriptor is ready that is no inlet's
 * (`others` says so beside the rest), NOTHING when time is up; below 0 there is no limit. */
int relay_wait(struct relay *relay, int epoll_fd, int timeout_ms)
{
    struct epoll_event ready[MAX_EVENTS];
    double until_s = timeout_ms > 0 ? monotonic_s() + timeout_ms * 1e-3 : 0;
    relay->others = 0;
    for (;;) {
        int longest_ms = relay->heard_count ? 5 : -1;
        int wait_ms = longest_ms >= 0 && (timeout_ms < 0 || timeout_ms > longest_ms) ? longest_ms : timeout_ms;
        int count = epoll_wait(epoll_fd, ready, MAX_EVENTS, wait_ms);
        if (count <= 0)
            return relay->heard_count ? RELAY_HEARD : RELAY_NOTHING;
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            relay->others |= fd >= RELAY_DESCRIPTORS || !relay->inlets[fd];
        }
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            struct inlet *inlet = fd < RELAY_DESCRIPTORS ? relay->inlets[fd] : 0;
            int found = inlet ? relay_drain(relay, inlet, fd) : RELAY_NOTHING;
            if (found != RELAY_NOTHING) {
                relay->fd = fd;
                return found;
            }
        }
        if (relay->others)
            return RELAY_OTHERS;
        double now_s = monotonic_s();
        if (relay->heard_count && now_s - relay->heard[0].at_s >= HEARD_WITHIN_S)
            return RELAY_HEARD;
        if (timeout_ms >= 0) {
            timeout_ms = (int)((until_s - now_s) * 1e3 + 0.999);
            if (timeout_ms <= 0)
                return relay->heard_count ? RELAY_HEARD : RELAY_NOTHING;
        }
    }
}
