#define RELAY_CAPACITY 2048
#define RELAY_SLOT 1504
#define RELAY_LAYOUTS 4
#define RELAY_BLOCK 64
#define RELAY_NOTHING 0
#define RELAY_RAW 1
#define RELAY_DECRYPTED 2
#define RELAY_HEARD 3
#define RELAY_FAILED 4
#define RELAY_OTHERS 5
#define RELAY_HEARD_MOST 64
#define RELAY_DESCRIPTORS 4096

struct layout {
    int octets;
    int same;
    uint8_t mask[64];
    uint8_t expected[64];
    uint8_t keep[64];
    uint8_t fixed[64];
};

struct outlet {
    int fd;
    int address_octets;
    uintptr_t srtp;
    uint8_t address[28];
    uint64_t dropped;
    uint64_t failed;
};

struct ring {
    uint16_t octets[1024];
    uint8_t packets[1540096];
};

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

struct inlet {
    uintptr_t srtp;
    struct lane *lanes[128];
    uint64_t refused;
};

struct heard {
    uint64_t lane;
    double at_s;
    int octets;
    int start;
    uint8_t packet[1504];
};

struct relay {
    uintptr_t protect;
    uintptr_t unprotect;
    uint8_t *packet;
    int octets;
    int error;
    int address_octets;
    uint8_t address[28];
    int fd;
    int others;
    int heard_count;
    struct heard heard[64];
    struct inlet *inlets[4096];
};

int relay_rewrite(struct lane *lane, uint8_t *packet, int octets);
int relay_drain(struct relay *relay, struct inlet *inlet, int fd);
int relay_wait(struct relay *relay, int epoll_fd, int timeout_ms);
