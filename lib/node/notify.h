/* notify.h - tell the service manager how things are (sd_notify(3)). */

#ifndef NODE_NOTIFY_H
#define NODE_NOTIFY_H

/* Send `state`, such as "READY=1", to $NOTIFY_SOCKET, if there is one. */
void notify_send(const char *state);

#endif /* NODE_NOTIFY_H */
