#include "ccurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libcurl's numbers, which its interface keeps (https://curl.se/libcurl/abi.html).
enum {
    OPT_WRITEDATA = 10001,
    OPT_URL = 10002,
    OPT_ERRORBUFFER = 10010,
    OPT_POSTFIELDS = 10015,
    OPT_HTTPHEADER = 10023,
    OPT_NOPROGRESS = 43,
    OPT_XFERINFODATA = 10057,
    OPT_HTTPGET = 80,
    OPT_NOSIGNAL = 99,
    OPT_TIMEOUT_MS = 155,
    OPT_PROTOCOLS = 181,
    OPT_WRITEFUNCTION = 20011,
    OPT_XFERINFOFUNCTION = 20219,
    OPT_POSTFIELDSIZE_LARGE = 30120,
    INFO_RESPONSE_CODE = 0x200000 + 2,
    INFO_RETRY_AFTER = 0x600000 + 57,
    GLOBAL_ALL = 3,
    PROTOCOL_HTTP_OR_HTTPS = 3,
    ERROR_BUFFER_SIZE = 256
};

typedef struct {
    int (*global_init)(long flags);
    void *(*init)(void);
    void (*cleanup)(void *);
    int (*setopt)(void *, int, ...);
    int (*getinfo)(void *, int, ...);
    int (*perform)(void *);
    const char *(*strerror)(int);
    void *(*append)(void *list, const char *);
    void (*free_list)(void *list);
} functions;

static functions curl;
static const char *missing;
static pthread_once_t loading = PTHREAD_ONCE_INIT;

static void *load_first_of(const char *const *names) {
    for (; *names; names++) {
        void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (library) return library;
    }
    return NULL;
}

static void load(void) {
    // The same interface over OpenSSL and over GnuTLS.
    const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
    void *library = load_first_of(names);
    if (!library) {
        missing = "libcurl.so.4 is not there";
        return;
    }
    struct {
        void **place;
        const char *name;
    } const symbols[] = {
        {(void **)&curl.global_init, "curl_global_init"}, {(void **)&curl.init, "curl_easy_init"},
        {(void **)&curl.cleanup, "curl_easy_cleanup"},    {(void **)&curl.setopt, "curl_easy_setopt"},
        {(void **)&curl.getinfo, "curl_easy_getinfo"},    {(void **)&curl.perform, "curl_easy_perform"},
        {(void **)&curl.strerror, "curl_easy_strerror"},  {(void **)&curl.append, "curl_slist_append"},
        {(void **)&curl.free_list, "curl_slist_free_all"},
    };
    for (size_t index = 0; index < sizeof symbols / sizeof symbols[0]; index++) {
        *symbols[index].place = dlsym(library, symbols[index].name);
        if (!*symbols[index].place) {
            missing = "libcurl.so.4 lacks what every version of it has";
            return;
        }
    }
    if (curl.global_init(GLOBAL_ALL) != 0) missing = "libcurl.so.4 does not start";
}

struct ccurl_client {
    void *handle;
    char *body;
    size_t size, capacity, limit;
    int too_long;
    char error[ERROR_BUFFER_SIZE];
    const ccurl_request *request;
};

ccurl_client *ccurl_client_new(const char **reason) {
    pthread_once(&loading, load);
    if (missing) {
        *reason = missing;
        return NULL;
    }
    ccurl_client *client = calloc(1, sizeof *client);
    if (client) client->handle = curl.init();
    if (!client || !client->handle) {
        free(client);
        *reason = "libcurl has no memory left";
        return NULL;
    }
    return client;
}

void ccurl_client_free(ccurl_client *client) {
    if (!client) return;
    curl.cleanup(client->handle);
    free(client->body);
    free(client);
}

static size_t take(const char *bytes, size_t unit, size_t count, void *context) {
    ccurl_client *client = context;
    size_t size = unit * count;
    if (size > client->limit - client->size) {
        client->too_long = 1;
        return 0;
    }
    if (client->size + size > client->capacity) {
        size_t capacity = 2 * (client->size + size);
        char *grown = realloc(client->body, capacity);
        if (!grown) return 0;
        client->body = grown;
        client->capacity = capacity;
    }
    memcpy(client->body + client->size, bytes, size);
    client->size += size;
    return size;
}

static int look(void *context, int64_t total, int64_t now, int64_t upload, int64_t uploaded) {
    (void)total, (void)now, (void)upload, (void)uploaded;
    ccurl_client *client = context;
    return client->request->cancelled ? client->request->cancelled(client->request->context) : 0;
}

// By libcurl's code of an exchange that failed.
static ccurl_outcome outcome_of(const ccurl_client *client, int code) {
    if (client->too_long) return CCURL_TOO_LONG;
    switch (code) {
        case 0: return CCURL_ANSWERED;
        case 28: return CCURL_TIMED_OUT;
        case 42: return CCURL_CANCELLED;
        // No address, no connection; HTTP/2, a part of a file, nothing, sending, receiving, an HTTP/2 stream.
        case 5: case 6: case 7: case 16: case 18: case 52: case 55: case 56: case 92: return CCURL_DISCONNECTED;
        default: return CCURL_REFUSED;
    }
}

ccurl_outcome ccurl_perform(ccurl_client *client, const ccurl_request *request, ccurl_response *response) {
    void *handle = client->handle;
    void *headers = NULL;
    for (size_t index = 0; index < request->header_count; index++) {
        void *longer = curl.append(headers, request->headers[index]);
        if (longer) headers = longer;
    }
    client->size = 0;
    client->limit = request->limit;
    client->too_long = 0;
    client->error[0] = '\0';
    client->request = request;

    curl.setopt(handle, OPT_URL, request->url);
    curl.setopt(handle, OPT_PROTOCOLS, (long)PROTOCOL_HTTP_OR_HTTPS);
    curl.setopt(handle, OPT_NOSIGNAL, 1L);
    curl.setopt(handle, OPT_ERRORBUFFER, client->error);
    curl.setopt(handle, OPT_TIMEOUT_MS, (long)(request->timeout * 1000));
    curl.setopt(handle, OPT_HTTPHEADER, headers);
    curl.setopt(handle, OPT_WRITEFUNCTION, take);
    curl.setopt(handle, OPT_WRITEDATA, client);
    curl.setopt(handle, OPT_NOPROGRESS, 0L);
    curl.setopt(handle, OPT_XFERINFOFUNCTION, look);
    curl.setopt(handle, OPT_XFERINFODATA, client);
    if (request->body) {
        curl.setopt(handle, OPT_POSTFIELDSIZE_LARGE, (int64_t)request->body_size);
        curl.setopt(handle, OPT_POSTFIELDS, request->body);
    } else {
        curl.setopt(handle, OPT_HTTPGET, 1L);
    }

    int code = curl.perform(handle);
    curl.setopt(handle, OPT_HTTPHEADER, NULL);
    curl.free_list(headers);

    long status = 0;
    int64_t retry_after = 0;
    curl.getinfo(handle, INFO_RESPONSE_CODE, &status);
    // Versions before 7.66 do not know it, and leave it 0.
    curl.getinfo(handle, INFO_RETRY_AFTER, &retry_after);
    response->status = status;
    response->retry_after = retry_after;
    response->body = client->body ? client->body : "";
    response->body_size = client->size;
    response->reason = client->error[0] ? client->error : curl.strerror(code);
    return outcome_of(client, code);
}
