/*
 * tests/support/postgres.c: makes, starts and removes a private cluster.
 *
 * A keeper process waits until the test program is gone, by reading from a pipe
 * that only the program holds, and then ends the server: a test that crashes
 * leaves nothing behind.
 *
 * From: tests/unit, for everything that is only true on a real server.
 * To:   initdb, pg_ctl and psql of the newest installed version.
 */
#include "tests/support/postgres.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/harness.h"

static char folder[64];
static char binaries[200];
static char database_name[32];
static int port;
static int databases;
static enum { UNTRIED, RUNNING, ABSENT } server;

static bool find_binaries(void)
{
    glob_t found;
    bool ok = false;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0) {
        snprintf(binaries, sizeof(binaries), "%s",
                 found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(binaries, '/') = '\0';
        ok = true;
    }
    globfree(&found);
    return ok;
}

/* A port nobody has now. Another may take it before us: then start fails. */
static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t count = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&a, &count) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* The server refuses to run as root. */
static void become_postgres(void)
{
    const struct passwd *p = getuid() == 0 ? getpwnam("postgres") : NULL;

    if (p == NULL)
        return;
    if (initgroups(p->pw_name, p->pw_gid) != 0 || setgid(p->pw_gid) != 0 ||
        setuid(p->pw_uid) != 0)
        _exit(126);
}

/* Runs a shell command as the server's user; its exit status. */
static int run(const char *command)
{
    pid_t pid = fork();
    int status = -1;

    CHECK(pid >= 0);
    if (pid == 0) {
        become_postgres();
        if (chdir(folder) != 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void remove_all(void)
{
    char command[512];

    snprintf(command, sizeof(command),
             "%s/pg_ctl -D %s/pg -m immediate -w stop >/dev/null 2>&1",
             binaries, folder);
    run(command);
    if (chdir("/") != 0)
        return;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        printf("left behind: %s\n", folder);
}

/* Outlives the program by the time it takes to clean up. */
static void start_keeper(void)
{
    int ends[2], null;
    char byte;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    if (fork() != 0) {
        close(ends[0]);
        return;
    }
    close(ends[1]);
    setsid();
    null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    while (read(ends[0], &byte, 1) > 0)
        ;
    remove_all();
    _exit(0);
}

static bool start(void)
{
    const struct passwd *p = getpwnam("postgres");
    char command[2048];

    if (!find_binaries() || (getuid() == 0 && p == NULL))
        return false;
    snprintf(folder, sizeof(folder), "/tmp/tidemill-pg-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    if (getuid() == 0)
        CHECK(chown(folder, p->pw_uid, p->pw_gid) == 0);
    start_keeper();
    port = free_port();
    snprintf(command, sizeof(command),
             "%s/initdb -D %s/pg -U tidemill -A trust -E UTF8 --locale=C.UTF-8"
             " -N --no-instructions >/dev/null 2>&1 &&"
             " printf \"listen_addresses='127.0.0.1'\\nport=%d\\n"
             "unix_socket_directories='%s'\\nshared_buffers=64MB\\njit=off\\n"
             "max_wal_size=1GB\\nfsync=off\\nautovacuum_naptime=1h\\n\""
             " >> %s/pg/postgresql.conf &&"
             " %s/pg_ctl -D %s/pg -l %s/log -w -t 60 start >/dev/null 2>&1",
             binaries, folder, port, folder, folder, binaries, folder, folder);
    return run(command) == 0;
}

/* Runs psql in `database`. */
static const char *psql(const char *database, const char *sql)
{
    static char out[1 << 16];
    char command[256], path[100];
    FILE *f;
    size_t count;
    int status;

    snprintf(path, sizeof(path), "%s/sql-%d", folder, (int)getpid());
    f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(sql, f);
    fclose(f);
    snprintf(command, sizeof(command),
             "psql -X -h 127.0.0.1 -p %d -U tidemill -d %s -qAt"
             " -v ON_ERROR_STOP=1 -f %s 2>&1",
             port, database, path);
    f = popen(command, "r");
    CHECK(f != NULL);
    count = fread(out + 7, 1, sizeof(out) - 8, f);
    out[7 + count] = '\0';
    status = pclose(f);
    unlink(path);
    while (count > 0 && out[7 + count - 1] == '\n')
        out[7 + --count] = '\0';
    if (status == 0)
        return out + 7;
    memcpy(out, "error: ", 7);
    return out;
}

const char *test_postgres_database(void)
{
    static char url[200];
    char sql[100];

    if (server == UNTRIED)
        server = start() ? RUNNING : ABSENT;
    if (server == ABSENT) {
        harness_absent("PostgreSQL");
        return NULL;
    }
    snprintf(database_name, sizeof(database_name), "test%d", ++databases);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database_name);
    CHECK(strcmp(psql("postgres", sql), "") == 0);
    snprintf(url, sizeof(url), "postgresql://tidemill@127.0.0.1:%d/%s", port,
             database_name);
    return url;
}

const char *test_postgres_sql(const char *sql)
{
    CHECK(server == RUNNING);
    return psql(database_name, sql);
}

int test_postgres_port(void)
{
    return port;
}

int test_postgres_pid(void)
{
    char path[100];
    char *text;
    int pid = 0;

    snprintf(path, sizeof(path), "%s/pg/postmaster.pid", folder);
    text = harness_read_file(path, NULL);
    if (text != NULL)
        pid = atoi(text);
    free(text);
    return pid;
}

/* User and system ticks of one process, its waited-for children included. */
static long long ticks_of(int pid, int *out_parent)
{
    char path[64];
    char *text, *at;
    unsigned long user = 0, sys = 0;
    long cuser = 0, csys = 0;

    *out_parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    text = harness_read_file(path, NULL);
    if (text == NULL)
        return 0;
    at = strrchr(text, ')');
    if (at != NULL)
        (void)sscanf(at + 2,
                     "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld "
                     "%ld",
                     out_parent, &user, &sys, &cuser, &csys);
    free(text);
    return (long long)user + (long long)sys + cuser + csys;
}

long long test_postgres_cpu_us(void)
{
    int main_pid = test_postgres_pid(), parent;
    long long ticks = ticks_of(main_pid, &parent);
    const struct dirent *e;
    DIR *d = opendir("/proc");

    CHECK(d != NULL);
    while ((e = readdir(d)) != NULL) {
        int pid = atoi(e->d_name);
        long long its = pid > 0 ? ticks_of(pid, &parent) : 0;

        if (pid > 0 && parent == main_pid)
            ticks += its;
    }
    closedir(d);
    return ticks * 1000000 / sysconf(_SC_CLK_TCK);
}
