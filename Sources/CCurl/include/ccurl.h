// What mpo needs of libcurl: one HTTP exchange at a time, from start to end.
//
// libcurl is loaded when the first exchange is asked for, as Arrow's libraries are. A program that includes this header neither
// links it nor needs it to start, and none of its headers is needed to build.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

// A connection that is kept open between exchanges; used by one thread at a time.
typedef struct ccurl_client ccurl_client;

typedef struct {
    const char *url;
    // "Name: value" each.
    const char *const *headers;
    size_t header_count;
    // What is posted; NULL asks by GET.
    const char *body;
    size_t body_size;
    // Seconds for the whole exchange.
    double timeout;
    // Most bytes of an answer.
    size_t limit;
    // Asked at least once a second; another number than 0 ends the exchange.
    int32_t (*cancelled)(void *context);
    void *context;
} ccurl_request;

typedef enum {
    CCURL_ANSWERED,
    CCURL_CANCELLED,
    // The time was up.
    CCURL_TIMED_OUT,
    // No connection, or one that ended early.
    CCURL_DISCONNECTED,
    // The answer is longer than the limit.
    CCURL_TOO_LONG,
    // What asking again does not mend: a certificate, a URL.
    CCURL_REFUSED
} ccurl_outcome;

// Valid until the client's next exchange.
typedef struct {
    int64_t status;
    // Seconds after which the server wants to be asked again; 0 where it does not say.
    int64_t retry_after;
    const char *body;
    size_t body_size;
    // Of an exchange that was not answered.
    const char *reason;
} ccurl_response;

// A client, or NULL with a reason that stays valid where libcurl is not there.
ccurl_client *ccurl_client_new(const char **reason);
// NULL is let through.
void ccurl_client_free(ccurl_client *client);
ccurl_outcome ccurl_perform(ccurl_client *client, const ccurl_request *request, ccurl_response *response);

#endif
