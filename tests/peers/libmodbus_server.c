/* A Modbus server made of libmodbus, for tests: libmodbus_server tcp | rtu DEVICE BAUD UNIT
 *
 * Standard input first says what the registers hold, one line each: "input ADDRESS VALUE" or "holding ADDRESS VALUE";
 * "go" starts. Prints "port N" (tcp) or "serving" (rtu). Every connection is served in its own process.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static modbus_mapping_t *read_map(void)
{
    modbus_mapping_t *map = modbus_mapping_new(64, 64, 65535, 65535);
    char area[16];
    unsigned address, value;
    while (map && scanf("%15s", area) == 1 && strcmp(area, "go") != 0) {
        if (scanf("%u %u", &address, &value) != 2 || address > 65534)
            return NULL;
        if (!strcmp(area, "input"))
            map->tab_input_registers[address] = value;
        else if (!strcmp(area, "holding"))
            map->tab_registers[address] = value;
        else if (!strcmp(area, "coil"))
            map->tab_bits[address] = value;
        else if (!strcmp(area, "discrete"))
            map->tab_input_bits[address] = value;
    }
    return map;
}

static void serve(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0)
            modbus_reply(context, query, length, map);
        else if (length == -1 && errno != EMBBADCRC)
            return;
    }
}

int main(int argc, char **argv)
{
    modbus_mapping_t *map = read_map();
    if (!map || argc < 2)
        return 2;
    signal(SIGCHLD, SIG_IGN);
    if (!strcmp(argv[1], "rtu") && argc == 5) {
        modbus_t *context = modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1);
        modbus_set_slave(context, atoi(argv[4]));
        if (modbus_connect(context) == -1)
            return 3;
        puts("serving");
        fflush(stdout);
        for (;;)
            serve(context, map);
    }
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listener = modbus_tcp_listen(context, 8);
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    if (listener == -1 || getsockname(listener, (struct sockaddr *) &bound, &size) == -1)
        return 3;
    printf("port %d\n", ntohs(bound.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(context, &listener) != -1) {
        if (fork() == 0) {
            serve(context, map);
            _exit(0);
        }
        close(modbus_get_socket(context)); /* modbus_close would shut the child's connection down too */
    }
    return 0;
}
