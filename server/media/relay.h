#define RELAY_SLOT 1504
#define RELAY_LAYOUTS 4
#define RELAY_DESCRIPTORS 4096
#define RELAY_TRAY 4194304
#define RELAY_SHARE 262144
#define RELAY_LATENCIES 12
#define RELAY_RAW 1
#define RELAY_DECRYPTED 2
#define RELAY_HEARD 3
#define RELAY_FAILED 4
#define RELAY_PASSED 5

/* How extension blocks of one length look, and what becomes of them; `same`: nothing. See layout.py. */
struct layout {
    int octets;
    int same;
    uint8_t mask[64];
    uint8_t expected[64];
    uint8_t keep[64];
    uint8_t fixed[64];
};

/* How to send to one browser; below 0, `fd` says that nothing may be sent. See outlet.py. */
struct outlet {
    int fd;
    int address_octets;
    uintptr_t srtp;
    uint8_t address[28];
    uint64_t dropped;
    uint64_t failed;
};

/* The packets last sent, RELAY_SLOT bytes each, by sequence number. See history.py. */
struct ring {
    uint16_t octets[1024];
    uint8_t packets[1540096];
};

/* From one payload type of a browser to another browser. `heard`: the number under which Python tells its sound, or 0.
 * From `packets` on it is what was counted and Python has not taken back. See native_lane.py. */
struct lane {
    int open;
    uint64_t heard;
    uint32_t ssrc_in;
    uint32_t ssrc_out;
    uint32_t timestamp_offset;
    uint16_t next_in;
    uint16_t sequence_offset;
    uint8_t payload_type;
    struct outlet *outlet;
    struct ring *ring;
    struct layout layouts[4];
    uint64_t packets;
    uint64_t octets;
    uint32_t newest_timestamp;
    double newest_s;
};

/* What one browser's sockets share: how to decrypt (0: not yet), its lanes by payload type, what was dropped, and how
 * much of the tray of this `take` unverified datagrams have. */
struct inlet {
    uintptr_t srtp;
    struct lane *lanes[128];
    uint64_t refused;
    uint64_t take;
    int raw_octets;
    /* By payload type, how many decrypted packets lie in trays. */
    int left[128];
};

/* What is left to Python; `octets` of the datagram follow, padded to 8. `at_s` is when it came, on the monotonic clock.
 * `start` is where a HEARD packet's payload begins, the errno of FAILED. HEARD has its header, the others the sender.
 * relay.py unpacks this as it lies here. */
struct left {
    int kind;
    int fd;
    int octets;
    int start;
    uint64_t lane;
    double at_s;
    int address_octets;
    union {
        uint8_t address[28];
        struct {
            uint32_t ssrc;
            uint32_t timestamp;
            uint16_t sequence_number;
            uint8_t marker;
        };
    };
};

/* `told`: the event was raised and Python has not come yet. `heard_since_s`: since when sound lies in the tray, or 0.
 * `take` counts how often Python came. */
struct relay {
    uintptr_t protect;
    uintptr_t unprotect;
    int epoll_fd;
    int event_fd;
    int stopping;
    int told;
    int tray_octets;
    uint64_t take;
    double heard_since_s;
    uint8_t *tray;
    uint8_t *taken;
    int taken_octets;
    int position;
    uint64_t seen;
    uint64_t stalls;
    uint64_t latencies[12];
    double latency_sum_s;
    uintptr_t thread;
    struct inlet *inlets[4096];
};

void relay_enter(void);
int relay_try_enter(void);
void relay_leave(void);
int relay_open(struct relay *relay);
int relay_start(struct relay *relay);
void relay_close(struct relay *relay);
int relay_watch(struct relay *relay, int fd, struct inlet *inlet);
void relay_forget(struct relay *relay, int fd);
void relay_drain(struct relay *relay, struct inlet *inlet, int fd);
void relay_note_late(struct relay *relay, double at_s);
void relay_next(struct relay *relay, int position, int next);
void relay_catch_up(struct relay *relay, struct inlet *inlet, struct lane *lane, int payload_type);
int relay_take(struct relay *relay, uint8_t *tray);
