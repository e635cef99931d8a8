/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

/*
 * HailoRT simulated: a shared library with the exports of libhailort that drives Hailo-8 and Hailo-8L which are not there.
 * README.md of native-libs describes what a tape can say and the models that it runs.
 *
 * Statuses that the vendor's library was observed to give without a device are given here too. Which one it gives in other
 * cases is told by the names of the codes only.
 *
 * Threads: any number of calls at once, one per stream. Each configured network has a lock, each device one for computing.
 * A device whose notifications are asked for has a thread that calls back, until it is released; nothing else starts one.
 *
 * Processes: which one has a device is kept by locks on a file beside the tape, which the system takes back when a process
 * ends. Processes that share a device by the service take turns to compute.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hailort_facts.h"
#include "tape.h"

#define EXPORT __attribute__((visibility("default")))

enum function {
#define FUNCTION(name) F_##name,
  COMPUTED(FUNCTION) REFUSED(FUNCTION) SIZES(FUNCTION) LATER(FUNCTION)
#undef FUNCTION
#if LAYOUT > 415
  F_hailo_shutdown_network_group,
#endif
  FUNCTION_COUNT
};

static const char *const function_names[] = {
#define FUNCTION(name) #name,
    COMPUTED(FUNCTION) REFUSED(FUNCTION) SIZES(FUNCTION) LATER(FUNCTION)
#undef FUNCTION
#if LAYOUT > 415
    "hailo_shutdown_network_group",
#endif
};

enum kind { DEVICE, VDEVICE, HEF, INPUT, OUTPUT, KINDS };
static const char *const kind_names[] = {"device", "vdevice", "hef", "inputVstream", "outputVstream"};
enum misuse { BAD_HANDLE, TWICE, WRONG_SIZE, WRONG_THREAD, WRONG_ORDER, MISUSES };
static const char *const misuse_names[] = {"badHandle", "releasedTwice", "wrongSize", "wrongThread", "wrongOrder"};

enum { MOST_DEVICES = 8, MOST_LAYERS = 4, MOST_TENSORS = 8, RING = 8, MOST_CELLS = 1 << 22 };

/* ---- What the tape says is there. Guarded by the tape's lock. ---- */

struct board {
  char id[32];
  char serial[16];
  uint32_t architecture;
};

static struct {
  hailo_version_t version;
  hailo_version_t firmware;
  struct board boards[MOST_DEVICES];
  int count;
  float temperature[2];
  float watts;
  bool throttling;
  bool service;
  /* Amperes of the threshold that the current is above; 0 for none. */
  float overcurrent;
  uint32_t alarm;
} world;

static const hailo_version_t built = {4, LAYOUT == 415 ? 15 : LAYOUT == 420 ? 20 : 23, LAYOUT == 420 ? 1 : 0};

static void usual(void) {
  memset(&world, 0, sizeof world);
  world.version = built;
  world.firmware = built;
  world.temperature[0] = 45.5f;
  world.temperature[1] = 46;
  world.watts = 1.5f;
  world.boards[0] = (struct board){"0000:01:00.0", "SIMULATED000001", ARCH_HAILO8};
  world.count = 1;
}

static bool fresh_boards;

static void begin(void) {
  usual();
  fresh_boards = true;
}

static bool own_line(const char *line) {
  char first[32];
  char second[16];
  char third[16];
  hailo_version_t version;
  float a;
  float b;
  if (sscanf(line, "version %u.%u.%u", &version.major, &version.minor, &version.revision) == 3) {
    world.version = version;
  } else if (sscanf(line, "firmware %u.%u.%u", &version.major, &version.minor, &version.revision) == 3) {
    world.firmware = version;
  } else if (strcmp(line, "no device") == 0) {
    world.count = 0;
  } else if (sscanf(line, "device %31s %15s %15s", first, second, third) == 3) {
    uint32_t architecture = strcmp(third, "hailo8l") == 0 ? ARCH_HAILO8L : strcmp(third, "hailo8") == 0 ? ARCH_HAILO8 : 99;
    if (fresh_boards) {
      world.count = 0;
      fresh_boards = false;
    }
    if (world.count == MOST_DEVICES || architecture == 99) {
      return false;
    }
    struct board *board = &world.boards[world.count++];
    memset(board, 0, sizeof *board);
    memcpy(board->id, first, strlen(first));
    memcpy(board->serial, second, strlen(second));
    board->architecture = architecture;
  } else if (sscanf(line, "temperature %f %f", &a, &b) == 2) {
    world.temperature[0] = a;
    world.temperature[1] = b;
  } else if (sscanf(line, "power %f", &a) == 1) {
    world.watts = a;
  } else if (strcmp(line, "throttling") == 0) {
    world.throttling = true;
  } else if (strcmp(line, "service") == 0) {
    world.service = true;
  } else if (sscanf(line, "overcurrent %f", &a) == 1 && a > 0) {
    world.overcurrent = a;
  } else if (strcmp(line, "alarm orange") == 0) {
    world.alarm = ZONE_ORANGE;
  } else if (strcmp(line, "alarm red") == 0) {
    world.alarm = ZONE_RED;
  } else {
    return false;
  }
  return true;
}

/* ---- Objects. ---- */

struct tensor {
  char name[MOST_NAME];
  hailo_3d_image_shape_t shape;
  uint32_t type;
  uint32_t order;
  float scale;
  float zero;
  uint32_t classes;
  uint32_t boxes;
  uint32_t cells;
};

struct layer {
  uint32_t in;
  uint32_t out;
  uint32_t shift;
  int32_t *weights;
  int32_t *biases;
};

struct output {
  struct tensor tensor;
  struct layer layers[MOST_LAYERS];
  int layer_count;
};

struct network {
  char name[MOST_NETWORK_NAME];
  struct tensor inputs[MOST_TENSORS];
  int input_count;
  struct output outputs[MOST_TENSORS];
  int output_count;
  double ms;
  uint32_t cells;
};

struct group {
  char name[MOST_NAME];
  struct network networks[MOST_NETWORKS];
  int network_count;
};

struct hef {
  int references;
  uint32_t architecture;
  struct group groups[MOST_GROUPS];
  int group_count;
};

struct frame {
  int32_t *in;
  int32_t *out[MOST_TENSORS];
  bool computed;
};

struct running {
  const struct network *network;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct frame ring[RING];
  unsigned long written[MOST_TENSORS];
  unsigned long read[MOST_TENSORS];
  unsigned open_inputs;
  unsigned open_outputs;
  bool ended;
};

struct vdevice;

struct configured {
  struct vdevice *owner;
  struct hef *hef;
  const struct group *group;
  struct running networks[MOST_NETWORKS];
  struct configured *next;
};

struct listener {
  hailo_notification_callback call;
  void *opaque;
};

struct device {
  char id[32];
  struct vdevice *owner;
  bool measures;
  /* Guards what follows. */
  pthread_mutex_t notifying;
  pthread_cond_t notified;
  struct listener listeners[NOTIFICATIONS];
  pthread_t thread;
  bool has_thread;
  bool calling;
  bool ended;
};

/* What this process has of a device, by a lock on a file. Guarded by vdevices_lock. */
struct ownership {
  char id[32];
  char group_id[64];
  bool shared;
  int users;
  int file;
  struct ownership *next;
};

struct vdevice {
  struct device device;
  struct ownership *ownership;
  pthread_mutex_t computing;
  struct configured *groups;
  struct vdevice *next;
};

struct stream {
  struct configured *group;
  struct running *running;
  int index;
  hailo_vstream_params_t params;
  float threshold;
  bool used;
  pthread_t user;
};

static struct vdevice *vdevices;
static struct ownership *ownerships;
static pthread_mutex_t vdevices_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Beginning of each call. ---- */

/* Whether the call ends here, with status. */
static bool over(int f, struct tape_fault *fault, bool *faulty, int *status) {
  *faulty = tape_next(f, fault);
  if (*faulty) {
    if (fault->action == TAPE_STATUS) {
      *status = (int)fault->amount;
      return true;
    }
    if (fault->action == TAPE_SKIP) {
      *status = HAILO_SUCCESS;
      return true;
    }
    tape_play(fault);
  }
  return false;
}

#define BEGIN(f)                                   \
  struct tape_fault fault;                         \
  bool faulty = false;                             \
  int status = HAILO_SUCCESS;                      \
  if (over(F_##f, &fault, &faulty, &status)) {     \
    return status;                                 \
  }

static bool usable(const void *handle, enum kind kind, int f) {
  if (tape_is_open((uintptr_t)handle, (int)kind)) {
    return true;
  }
  if (handle != NULL) {
    tape_misuse(BAD_HANDLE, f, kind_names[kind]);
  }
  return false;
}

#define NEED(handle, kind, f)        \
  if (!usable(handle, kind, F_##f)) { \
    return HAILO_INVALID_ARGUMENT;   \
  }
#define NEED_THAT(condition)       \
  if (!(condition)) {              \
    return HAILO_INVALID_ARGUMENT; \
  }

static bool board_of(const char *id, struct board *found) {
  bool there = false;
  tape_lock();
  tape_refresh();
  for (int i = 0; i < world.count; i++) {
    if (strncmp(world.boards[i].id, id, sizeof world.boards[i].id) == 0) {
      *found = world.boards[i];
      there = true;
    }
  }
  tape_unlock();
  return there;
}

static bool device_is_there(const char *id) {
  struct board board;
  return board_of(id, &board);
}

static bool service_runs(void) {
  tape_lock();
  tape_refresh();
  bool runs = world.service;
  tape_unlock();
  return runs;
}

#define NEED_DEVICE(device)                    \
  if (!device_is_there((device)->id)) {        \
    return HAILO_DRIVER_OPERATION_FAILED;      \
  }

static int listed(size_t count, size_t *room, void *to, const void *from, size_t bytes) {
  size_t capacity = *room;
  *room = count;
  if (capacity < count) {
    return HAILO_INSUFFICIENT_BUFFER;
  }
  memcpy(to, from, count * bytes);
  return HAILO_SUCCESS;
}

/* ---- Library and devices. ---- */

EXPORT int hailo_get_library_version(hailo_version_t *version) {
  BEGIN(hailo_get_library_version)
  NEED_THAT(version != NULL)
  tape_lock();
  *version = world.version;
  tape_unlock();
  if (faulty && fault.action == TAPE_VALUE) {
    sscanf(fault.text, "%u.%u.%u", &version->major, &version->minor, &version->revision);
  }
  return HAILO_SUCCESS;
}

EXPORT const char *hailo_get_status_message(int code) {
  struct tape_fault fault;
  if (tape_next(F_hailo_get_status_message, &fault)) {
    tape_play(&fault);
  }
  return code >= 0 && code < 94 ? "simulated status" : NULL;
}

EXPORT int hailo_scan_devices(void *params, hailo_device_id_t *ids, size_t *count) {
  BEGIN(hailo_scan_devices)
  NEED_THAT(params == NULL && ids != NULL && count != NULL)
  hailo_device_id_t found[MOST_DEVICES];
  tape_lock();
  size_t devices = (size_t)world.count;
  for (size_t i = 0; i < devices; i++) {
    memcpy(found[i].id, world.boards[i].id, sizeof found[i].id);
  }
  tape_unlock();
  return listed(devices, count, ids, found, sizeof *found);
}

EXPORT int hailo_device_get_type_by_device_id(const hailo_device_id_t *id, uint32_t *type) {
  BEGIN(hailo_device_get_type_by_device_id)
  NEED_THAT(id != NULL && type != NULL)
  *type = strcmp(id->id, "[integrated]") == 0 ? 2 : strchr(id->id, ':') != NULL ? 0 : 1;
  return HAILO_SUCCESS;
}

EXPORT int hailo_parse_pcie_device_info(const char *text, hailo_pcie_device_info_t *info) {
  BEGIN(hailo_parse_pcie_device_info)
  NEED_THAT(text != NULL && info != NULL)
  return sscanf(text, "%x:%x:%x.%x", &info->domain, &info->bus, &info->device, &info->func) == 4 ? HAILO_SUCCESS
                                                                                                : HAILO_INVALID_ARGUMENT;
}

/* ---- Notifications: told by a thread of the library's own, as the vendor's does. ---- */

static void device_begin(struct device *device, const char *id) {
  memcpy(device->id, id, sizeof device->id);
  pthread_mutex_init(&device->notifying, NULL);
  pthread_cond_init(&device->notified, NULL);
}

/* Waits for a call that is under way, but not for itself. Under the device's lock. */
static void await_call(struct device *device) {
  while (device->calling && !pthread_equal(device->thread, pthread_self())) {
    pthread_cond_wait(&device->notified, &device->notifying);
  }
}

static void device_end(struct device *device) {
  pthread_mutex_lock(&device->notifying);
  device->ended = true;
  bool joins = device->has_thread;
  pthread_mutex_unlock(&device->notifying);
  if (joins) {
    pthread_join(device->thread, NULL);
  }
  pthread_cond_destroy(&device->notified);
  pthread_mutex_destroy(&device->notifying);
}

/* Whether somebody listens, and was told. */
static bool notify(struct device *device, hailo_notification_t *notification) {
  pthread_mutex_lock(&device->notifying);
  struct listener listener = device->listeners[notification->id];
  device->calling = listener.call != NULL && !device->ended;
  bool calls = device->calling;
  pthread_mutex_unlock(&device->notifying);
  if (calls) {
    listener.call(device, notification, listener.opaque);
    notification->sequence++;
  }
  pthread_mutex_lock(&device->notifying);
  device->calling = false;
  pthread_cond_broadcast(&device->notified);
  pthread_mutex_unlock(&device->notifying);
  return calls;
}

static void *notifications(void *argument) {
  struct device *device = argument;
  float told_overcurrent = 0;
  uint32_t told_alarm = ZONE_GREEN;
  bool goes_on = true;
  hailo_notification_t notification;
  memset(&notification, 0, sizeof notification);
  while (goes_on) {
    tape_lock();
    tape_refresh();
    float overcurrent = world.overcurrent;
    uint32_t alarm = world.alarm;
    float first = world.temperature[0];
    float second = world.temperature[1];
    tape_unlock();
    if (overcurrent != told_overcurrent) {
      notification.id = NOTIFICATION_OVERCURRENT;
      notification.body.overcurrent.overcurrent_zone = overcurrent > 0 ? 1 : 0;
      notification.body.overcurrent.exceeded_alert_threshold = overcurrent > 0 ? overcurrent : told_overcurrent;
      notification.body.overcurrent.is_last_overcurrent_violation_reached = false;
      if (notify(device, &notification)) {
        told_overcurrent = overcurrent;
      }
    }
    if (alarm != told_alarm) {
      notification.id = NOTIFICATION_TEMPERATURE;
      notification.body.temperature.temperature_zone = alarm;
      notification.body.temperature.alarm_ts_id = second > first ? 1 : 0;
      notification.body.temperature.ts0_temperature = first;
      notification.body.temperature.ts1_temperature = second;
      if (notify(device, &notification)) {
        told_alarm = alarm;
      }
    }
    pthread_mutex_lock(&device->notifying);
    goes_on = !device->ended;
    pthread_mutex_unlock(&device->notifying);
    if (goes_on) {
      tape_pause(5);
    }
  }
  return NULL;
}

EXPORT int hailo_create_device_by_id(const hailo_device_id_t *id, struct device **device) {
  BEGIN(hailo_create_device_by_id)
  if (id == NULL) {
    return HAILO_INVALID_OPERATION;
  }
  NEED_THAT(device != NULL && device_is_there(id->id))
  struct device *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return HAILO_OUT_OF_HOST_MEMORY;
  }
  device_begin(made, id->id);
  tape_made((uintptr_t)made, DEVICE);
  *device = made;
  return HAILO_SUCCESS;
}

EXPORT int hailo_release_device(struct device *device) {
  BEGIN(hailo_release_device)
  NEED_THAT(device != NULL)
  if (!tape_released((uintptr_t)device, DEVICE)) {
    tape_misuse(TWICE, F_hailo_release_device, "device");
    return HAILO_INVALID_ARGUMENT;
  }
  if (device->owner != NULL) {
    tape_misuse(WRONG_ORDER, F_hailo_release_device, "the device belongs to a vdevice");
    return HAILO_INVALID_ARGUMENT;
  }
  device_end(device);
  free(device);
  return HAILO_SUCCESS;
}

EXPORT int hailo_identify(struct device *device, hailo_device_identity_t *identity) {
  BEGIN(hailo_identify)
  NEED(device, DEVICE, hailo_identify)
  NEED_THAT(identity != NULL)
  struct board board;
  if (!board_of(device->id, &board)) {
    return HAILO_DRIVER_OPERATION_FAILED;
  }
  memset(identity, 0, sizeof *identity);
  identity->protocol_version = 2;
  tape_lock();
  identity->fw_version = world.firmware;
  tape_unlock();
  snprintf(identity->board_name, sizeof identity->board_name, "Simulated %s",
      board.architecture == ARCH_HAILO8L ? "Hailo-8L" : "Hailo-8");
  identity->board_name_length = (uint8_t)strlen(identity->board_name);
  identity->is_release = true;
  identity->device_architecture = board.architecture;
  memcpy(identity->serial_number, board.serial, sizeof board.serial);
  identity->serial_number_length = (uint8_t)strlen(board.serial);
  snprintf(identity->part_number, sizeof identity->part_number, "SIMULATED");
  identity->part_number_length = 9;
  snprintf(identity->product_name, sizeof identity->product_name, "Shoji's simulated module");
  identity->product_name_length = (uint8_t)strlen(identity->product_name);
  if (faulty && fault.action == TAPE_VALUE) {
    identity->device_architecture = (uint32_t)fault.amount;
  }
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_extended_device_information(struct device *device, hailo_extended_device_information_t *information) {
  BEGIN(hailo_get_extended_device_information)
  NEED(device, DEVICE, hailo_get_extended_device_information)
  NEED_THAT(information != NULL)
  NEED_DEVICE(device)
  memset(information, 0, sizeof *information);
  information->neural_network_core_clock_rate = 400000000;
  information->supported_features.pcie = true;
  information->supported_features.current_monitoring = true;
  information->boot_source = 1;
  if (faulty && fault.action == TAPE_VALUE) {
    information->supported_features.current_monitoring = fault.amount != 0;
  }
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_device_id(struct device *device, hailo_device_id_t *id) {
  BEGIN(hailo_get_device_id)
  NEED(device, DEVICE, hailo_get_device_id)
  NEED_THAT(id != NULL)
  memcpy(id->id, device->id, sizeof id->id);
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_throttling_state(struct device *device, bool *active) {
  BEGIN(hailo_get_throttling_state)
  NEED(device, DEVICE, hailo_get_throttling_state)
  NEED_THAT(active != NULL)
  NEED_DEVICE(device)
  tape_lock();
  *active = world.throttling;
  tape_unlock();
  if (faulty && fault.action == TAPE_VALUE) {
    *active = fault.amount != 0;
  }
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_chip_temperature(struct device *device, hailo_chip_temperature_info_t *info) {
  BEGIN(hailo_get_chip_temperature)
  NEED(device, DEVICE, hailo_get_chip_temperature)
  NEED_THAT(info != NULL)
  NEED_DEVICE(device)
  tape_lock();
  info->ts0_temperature = world.temperature[0];
  info->ts1_temperature = world.temperature[1];
  tape_unlock();
  info->sample_count = 1;
  if (faulty && (fault.action == TAPE_VALUE || fault.action == TAPE_NAN)) {
    float told = fault.action == TAPE_NAN ? NAN : (float)fault.amount;
    info->ts0_temperature = told;
    info->ts1_temperature = told;
  }
  return HAILO_SUCCESS;
}

EXPORT int hailo_set_notification_callback(
    struct device *device, hailo_notification_callback callback, uint32_t id, void *opaque) {
  BEGIN(hailo_set_notification_callback)
  NEED(device, DEVICE, hailo_set_notification_callback)
  NEED_THAT(callback != NULL && id < NOTIFICATIONS)
  NEED_DEVICE(device)
  pthread_mutex_lock(&device->notifying);
  device->listeners[id] = (struct listener){callback, opaque};
  if (!device->has_thread) {
    device->has_thread = pthread_create(&device->thread, NULL, notifications, device) == 0;
    status = device->has_thread ? HAILO_SUCCESS : HAILO_OUT_OF_HOST_MEMORY;
  }
  pthread_mutex_unlock(&device->notifying);
  return status;
}

EXPORT int hailo_remove_notification_callback(struct device *device, uint32_t id) {
  BEGIN(hailo_remove_notification_callback)
  NEED(device, DEVICE, hailo_remove_notification_callback)
  NEED_THAT(id < NOTIFICATIONS)
  pthread_mutex_lock(&device->notifying);
  device->listeners[id] = (struct listener){NULL, NULL};
  await_call(device);
  pthread_mutex_unlock(&device->notifying);
  return HAILO_SUCCESS;
}

EXPORT int hailo_reset_device(struct device *device, uint32_t mode) {
  BEGIN(hailo_reset_device)
  NEED(device, DEVICE, hailo_reset_device)
  NEED_THAT(mode <= 3)
  NEED_DEVICE(device)
  return HAILO_SUCCESS;
}

/* ---- Power. ---- */

static float watts_now(bool faulty, const struct tape_fault *fault) {
  tape_lock();
  float watts = world.watts;
  tape_unlock();
  return faulty && fault->action == TAPE_VALUE ? (float)fault->amount : watts;
}

EXPORT int hailo_power_measurement(struct device *device, uint32_t dvm, uint32_t type, float *measurement) {
  BEGIN(hailo_power_measurement)
  NEED(device, DEVICE, hailo_power_measurement)
  NEED_THAT(measurement != NULL && (dvm < 10 || dvm == 2147483647) && (type < 4 || type == 2147483647))
  NEED_DEVICE(device)
  *measurement = watts_now(faulty, &fault);
  return HAILO_SUCCESS;
}

EXPORT int hailo_set_power_measurement(struct device *device, uint32_t index, uint32_t dvm, uint32_t type) {
  BEGIN(hailo_set_power_measurement)
  NEED(device, DEVICE, hailo_set_power_measurement)
  NEED_THAT(index < 4 && (dvm < 10 || dvm == 2147483647) && (type < 4 || type == 2147483647))
  NEED_DEVICE(device)
  return HAILO_SUCCESS;
}

EXPORT int hailo_start_power_measurement(struct device *device, uint32_t averaging, uint32_t period) {
  BEGIN(hailo_start_power_measurement)
  NEED(device, DEVICE, hailo_start_power_measurement)
  NEED_THAT(averaging < 8 && period < 8)
  NEED_DEVICE(device)
  device->measures = true;
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_power_measurement(struct device *device, uint32_t index, bool clear, hailo_power_measurement_data_t *data) {
  BEGIN(hailo_get_power_measurement)
  NEED(device, DEVICE, hailo_get_power_measurement)
  NEED_THAT(index < 4 && data != NULL && (clear || !clear))
  NEED_DEVICE(device)
  if (!device->measures) {
    tape_misuse(WRONG_ORDER, F_hailo_get_power_measurement, "no measurement was started");
    return HAILO_INVALID_OPERATION;
  }
  float watts = watts_now(faulty, &fault);
  *data = (hailo_power_measurement_data_t){watts, 1.1f, watts, watts, 100};
  return HAILO_SUCCESS;
}

EXPORT int hailo_stop_power_measurement(struct device *device) {
  BEGIN(hailo_stop_power_measurement)
  NEED(device, DEVICE, hailo_stop_power_measurement)
  NEED_DEVICE(device)
  device->measures = false;
  return HAILO_SUCCESS;
}

/* ---- Virtual devices. ---- */

EXPORT int hailo_init_vdevice_params(hailo_vdevice_params_t *params) {
  BEGIN(hailo_init_vdevice_params)
  NEED_THAT(params != NULL)
  memset(params, 0, sizeof *params);
  params->device_count = 1;
  params->scheduling_algorithm = 1;
  params->group_id = "UNIQUE";
  return HAILO_SUCCESS;
}

/* Places in the file that tells who has a device. */
enum { OWNER, CHANGING, COMPUTING };

static bool file_lock(int file, short type, off_t place, bool waits) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
  return fcntl(file, waits ? F_OFD_SETLKW : F_OFD_SETLK, &lock) == 0;
}

/* Takes a device for this process, with others of the group if it is shared. Under vdevices_lock. */
static int own(const char *id, const char *group, bool shared, struct ownership **owned) {
  for (struct ownership *each = ownerships; each != NULL; each = each->next) {
    if (strcmp(each->id, id) == 0) {
      if (strcmp(group, "UNIQUE") == 0 || strcmp(group, each->group_id) != 0 || shared != each->shared) {
        return HAILO_DEVICE_IN_USE;
      }
      each->users++;
      *owned = each;
      return HAILO_SUCCESS;
    }
  }
  char path[PATH_MAX + 64];
  snprintf(path, sizeof path, "%s.%s.owner", tape_file(), id);
  struct ownership *made = calloc(1, sizeof *made);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (made == NULL || file < 0) {
    free(made);
    if (file >= 0) {
      close(file);
    }
    return HAILO_OPEN_FILE_FAILURE;
  }
  snprintf(made->id, sizeof made->id, "%s", id);
  snprintf(made->group_id, sizeof made->group_id, "%s", group);
  made->shared = shared;
  made->users = 1;
  made->file = file;
  char told[sizeof made->group_id] = "";
  file_lock(file, F_WRLCK, CHANGING, true);
  bool alone = file_lock(file, F_WRLCK, OWNER, false);
  bool taken = alone;
  if (alone && shared) {
    /* The first of its group; the lock is turned into a shared one, without a gap. */
    taken = ftruncate(file, 0) == 0 && pwrite(file, made->group_id, strlen(made->group_id), 0) > 0 &&
        file_lock(file, F_RDLCK, OWNER, false);
  } else if (shared) {
    taken = pread(file, told, sizeof told - 1, 0) >= 0 && strcmp(told, made->group_id) == 0 &&
        file_lock(file, F_RDLCK, OWNER, false);
  }
  file_lock(file, F_UNLCK, CHANGING, false);
  if (!taken) {
    close(file);
    free(made);
    return HAILO_DEVICE_IN_USE;
  }
  made->next = ownerships;
  ownerships = made;
  *owned = made;
  return HAILO_SUCCESS;
}

/* Under vdevices_lock. */
static void disown(struct ownership *owned) {
  if (--owned->users > 0) {
    return;
  }
  for (struct ownership **at = &ownerships; *at != NULL; at = &(*at)->next) {
    if (*at == owned) {
      *at = owned->next;
      break;
    }
  }
  close(owned->file);
  free(owned);
}

EXPORT int hailo_create_vdevice(hailo_vdevice_params_t *params, struct vdevice **vdevice) {
  BEGIN(hailo_create_vdevice)
  NEED_THAT(vdevice != NULL)
  hailo_device_id_t id;
  memset(&id, 0, sizeof id);
  tape_lock();
  if (world.count > 0) {
    memcpy(id.id, world.boards[0].id, sizeof id.id);
  }
  tape_unlock();
  if (params != NULL && params->device_ids != NULL) {
    if (params->device_count != 1 || memchr(params->device_ids->id, 0, sizeof id.id) == NULL) {
      tape_misuse(WRONG_SIZE, F_hailo_create_vdevice, "one device, whose name ends by a zero");
      return HAILO_INVALID_ARGUMENT;
    }
    id = *params->device_ids;
  }
  if (!device_is_there(id.id)) {
    return HAILO_OUT_OF_PHYSICAL_DEVICES;
  }
  const char *group = params == NULL || params->group_id == NULL ? "UNIQUE" : params->group_id;
  bool shared = params != NULL && params->multi_process_service;
  if (shared && !service_runs()) {
    return HAILO_RPC_FAILED;
  }
  struct vdevice *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return HAILO_OUT_OF_HOST_MEMORY;
  }
  pthread_mutex_lock(&vdevices_lock);
  status = own(id.id, group, shared, &made->ownership);
  if (status != HAILO_SUCCESS) {
    pthread_mutex_unlock(&vdevices_lock);
    free(made);
    return status;
  }
  device_begin(&made->device, id.id);
  made->device.owner = made;
  pthread_mutex_init(&made->computing, NULL);
  made->next = vdevices;
  vdevices = made;
  pthread_mutex_unlock(&vdevices_lock);
  tape_made((uintptr_t)made, VDEVICE);
  tape_made((uintptr_t)&made->device, DEVICE);
  *vdevice = made;
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_physical_devices(struct vdevice *vdevice, struct device **devices, size_t *count) {
  BEGIN(hailo_get_physical_devices)
  NEED(vdevice, VDEVICE, hailo_get_physical_devices)
  NEED_THAT(devices != NULL && count != NULL)
  struct device *own = &vdevice->device;
  return listed(1, count, devices, &own, sizeof own);
}

EXPORT int hailo_vdevice_get_physical_devices_ids(struct vdevice *vdevice, hailo_device_id_t *ids, size_t *count) {
  BEGIN(hailo_vdevice_get_physical_devices_ids)
  NEED(vdevice, VDEVICE, hailo_vdevice_get_physical_devices_ids)
  NEED_THAT(ids != NULL && count != NULL)
  return listed(1, count, ids, vdevice->device.id, sizeof *ids);
}

static void hef_drop(struct hef *hef) {
  tape_lock();
  bool last = --hef->references == 0;
  tape_unlock();
  if (!last) {
    return;
  }
  for (int g = 0; g < hef->group_count; g++) {
    for (int n = 0; n < hef->groups[g].network_count; n++) {
      for (int o = 0; o < hef->groups[g].networks[n].output_count; o++) {
        struct output *output = &hef->groups[g].networks[n].outputs[o];
        for (int l = 0; l < output->layer_count; l++) {
          free(output->layers[l].weights);
          free(output->layers[l].biases);
        }
      }
    }
  }
  free(hef);
}

static void configured_free(struct configured *group) {
  for (int n = 0; n < group->group->network_count; n++) {
    for (int r = 0; r < RING; r++) {
      free(group->networks[n].ring[r].in);
      for (int o = 0; o < MOST_TENSORS; o++) {
        free(group->networks[n].ring[r].out[o]);
      }
    }
    pthread_mutex_destroy(&group->networks[n].lock);
    pthread_cond_destroy(&group->networks[n].changed);
  }
  hef_drop(group->hef);
  free(group);
}

EXPORT int hailo_release_vdevice(struct vdevice *vdevice) {
  BEGIN(hailo_release_vdevice)
  NEED_THAT(vdevice != NULL)
  if (!tape_released((uintptr_t)vdevice, VDEVICE)) {
    tape_misuse(TWICE, F_hailo_release_vdevice, "vdevice");
    return HAILO_INVALID_ARGUMENT;
  }
  bool used = false;
  for (struct configured *group = vdevice->groups; group != NULL; group = group->next) {
    for (int n = 0; n < group->group->network_count; n++) {
      used = used || group->networks[n].open_inputs != 0 || group->networks[n].open_outputs != 0;
    }
  }
  if (used) {
    tape_misuse(WRONG_ORDER, F_hailo_release_vdevice, "its vstreams are open");
    return HAILO_INVALID_OPERATION;
  }
  pthread_mutex_lock(&vdevices_lock);
  for (struct vdevice **at = &vdevices; *at != NULL; at = &(*at)->next) {
    if (*at == vdevice) {
      *at = vdevice->next;
      break;
    }
  }
  disown(vdevice->ownership);
  pthread_mutex_unlock(&vdevices_lock);
  device_end(&vdevice->device);
  while (vdevice->groups != NULL) {
    struct configured *group = vdevice->groups;
    vdevice->groups = group->next;
    configured_free(group);
  }
  tape_released((uintptr_t)&vdevice->device, DEVICE);
  pthread_mutex_destroy(&vdevice->computing);
  free(vdevice);
  return HAILO_SUCCESS;
}

/* ---- HEFs: the vendor's container of version 1, its message with the architecture, then this simulator's words. ---- */

static uint32_t big_endian(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t crc32_of(const uint8_t *data, size_t length) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
  }
  return ~crc;
}

/* A varint; false if it does not end. */
static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
    uint8_t byte = *(*at)++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      return true;
    }
  }
  return false;
}

/* ProtoHEFHwArch of the message's header: 0 for Hailo-8, 3 for Hailo-8L; -1 if the message has no header. */
static int64_t message_architecture(const uint8_t *at, const uint8_t *end, int depth) {
  int64_t found = depth == 0 ? -1 : 0;
  uint64_t tag;
  uint64_t value;
  while (at < end) {
    if (!varint(&at, end, &tag)) {
      return -1;
    }
    switch (tag & 7) {
      case 0:
        if (!varint(&at, end, &value)) {
          return -1;
        }
        found = depth == 1 && tag >> 3 == 1 ? (int64_t)value : found;
        break;
      case 1:
        at += 8;
        break;
      case 2:
        if (!varint(&at, end, &value) || value > (uint64_t)(end - at)) {
          return -1;
        }
        if (depth == 0 && tag >> 3 == 1) {
          found = message_architecture(at, at + value, 1);
        }
        at += value;
        break;
      case 5:
        at += 4;
        break;
      default:
        return -1;
    }
  }
  return at == end ? found : -1;
}

struct words {
  char *at;
};

static const char *word(struct words *words) {
  words->at += strspn(words->at, " \n");
  char *start = words->at;
  words->at += strcspn(words->at, " \n");
  if (*words->at != '\0') {
    *words->at++ = '\0';
  }
  return start;
}

static uint32_t number(struct words *words) { return (uint32_t)strtoul(word(words), NULL, 10); }

static bool named(struct words *words, char *to, size_t room) {
  const char *name = word(words);
  snprintf(to, room, "%s", name);
  return *name != '\0' && strlen(name) < room;
}

static bool tensor_read(struct words *words, struct tensor *tensor) {
  if (!named(words, tensor->name, sizeof tensor->name)) {
    return false;
  }
  tensor->shape.height = number(words);
  tensor->shape.width = number(words);
  tensor->shape.features = number(words);
  tensor->type = strcmp(word(words), "uint16") == 0 ? TYPE_UINT16 : TYPE_UINT8;
  tensor->scale = strtof(word(words), NULL);
  tensor->zero = strtof(word(words), NULL);
  tensor->order = strcmp(word(words), "nc") == 0 ? ORDER_NC : ORDER_NHWC;
  uint64_t cells = (uint64_t)tensor->shape.height * tensor->shape.width * tensor->shape.features;
  tensor->cells = (uint32_t)cells;
  return cells > 0 && cells <= MOST_CELLS;
}

static bool nms_read(struct words *words, struct tensor *tensor) {
  if (!named(words, tensor->name, sizeof tensor->name)) {
    return false;
  }
  tensor->classes = number(words);
  tensor->boxes = number(words);
  tensor->type = TYPE_FLOAT32;
  tensor->scale = 1;
  const char *what = word(words);
  bool by_score = strcmp(what, "by_score") == 0;
  bool masks = strcmp(what, "with_masks") == 0;
#if LAYOUT >= 420
  tensor->order = by_score ? ORDER_NMS_BY_SCORE : ORDER_NMS_BY_CLASS;
#else
  tensor->order = ORDER_NMS;
  if (by_score) {
    return false;
  }
#endif
  if (masks) {
    tensor->order = ORDER_NMS_WITH_BYTE_MASK;
  }
  return tensor->classes > 0 && tensor->classes < 1000 && tensor->boxes > 0 && tensor->boxes < 1000;
}

static bool layer_read(struct words *words, struct output *output) {
  if (output->layer_count == MOST_LAYERS) {
    return false;
  }
  struct layer *layer = &output->layers[output->layer_count++];
  layer->in = number(words);
  layer->out = number(words);
  layer->shift = number(words);
  uint64_t weights = (uint64_t)layer->in * layer->out;
  if (weights == 0 || weights > MOST_CELLS || layer->shift > 30) {
    return false;
  }
  layer->weights = calloc(weights, sizeof *layer->weights);
  layer->biases = calloc(layer->out, sizeof *layer->biases);
  if (layer->weights == NULL || layer->biases == NULL) {
    return false;
  }
  for (uint64_t i = 0; i < weights; i++) {
    layer->weights[i] = (int32_t)strtol(word(words), NULL, 10);
  }
  for (uint32_t i = 0; i < layer->out; i++) {
    layer->biases[i] = (int32_t)strtol(word(words), NULL, 10);
  }
  return true;
}

static bool words_read(struct words *words, struct hef *hef) {
  struct group *group = NULL;
  struct network *network = NULL;
  if (strcmp(word(words), "shoji-simulated-hef") != 0 || number(words) != 1) {
    return false;
  }
  for (const char *what = word(words); strcmp(what, "end") != 0; what = word(words)) {
    bool read = false;
    if (strcmp(what, "group") == 0 && hef->group_count < MOST_GROUPS) {
      group = &hef->groups[hef->group_count++];
      read = named(words, group->name, sizeof group->name);
      network = NULL;
    } else if (strcmp(what, "network") == 0 && group != NULL && group->network_count < MOST_NETWORKS) {
      network = &group->networks[group->network_count++];
      read = named(words, network->name, sizeof network->name);
    } else if (strcmp(what, "time") == 0 && network != NULL) {
      network->ms = strtod(word(words), NULL);
      read = true;
    } else if (strcmp(what, "input") == 0 && network != NULL && network->input_count < MOST_TENSORS) {
      struct tensor *tensor = &network->inputs[network->input_count++];
      read = tensor_read(words, tensor);
      network->cells += tensor->cells;
    } else if (strcmp(what, "output") == 0 && network != NULL && network->output_count < MOST_TENSORS) {
      read = tensor_read(words, &network->outputs[network->output_count++].tensor);
    } else if (strcmp(what, "nms") == 0 && network != NULL && network->output_count < MOST_TENSORS) {
      read = nms_read(words, &network->outputs[network->output_count++].tensor);
    } else if (strcmp(what, "layer") == 0 && network != NULL && network->output_count > 0) {
      read = layer_read(words, &network->outputs[network->output_count - 1]);
    }
    if (!read) {
      return false;
    }
  }
  return hef->group_count > 0;
}

/* Whether each chain of layers begins with the inputs and ends with what its output holds. */
static bool is_consistent(const struct hef *hef) {
  for (int g = 0; g < hef->group_count; g++) {
    for (int n = 0; n < hef->groups[g].network_count; n++) {
      const struct network *network = &hef->groups[g].networks[n];
      if (network->input_count == 0 || network->output_count == 0 || network->cells > MOST_CELLS) {
        return false;
      }
      for (int o = 0; o < network->output_count; o++) {
        const struct output *output = &network->outputs[o];
        uint32_t cells = network->cells;
        for (int l = 0; l < output->layer_count; l++) {
          if (output->layers[l].in != cells) {
            return false;
          }
          cells = output->layers[l].out;
        }
        if (output->layer_count == 0 || (output->tensor.classes > 0 ? cells % 6 != 0 : cells != output->tensor.cells)) {
          return false;
        }
      }
    }
  }
  return true;
}

static const int corrupted = LAYOUT >= 421 ? HAILO_HEF_FILE_CORRUPTED : HAILO_INVALID_HEF;
static const int not_supported = LAYOUT >= 421 ? HAILO_HEF_NOT_SUPPORTED : HAILO_INVALID_HEF;
static const int not_compatible = LAYOUT >= 421 ? HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE : HAILO_INVALID_HEF;

enum { HEF_HEADER = 28 };

static int hef_read(const uint8_t *data, size_t size, struct hef **made) {
  if (size < 4 || big_endian(data) != 0x01484546u) {
    return not_supported;
  }
  if (size < HEF_HEADER) {
    return corrupted;
  }
  uint64_t message = big_endian(data + 8);
  uint64_t rest = (uint64_t)big_endian(data + 16) << 32 | big_endian(data + 20);
  if (big_endian(data + 4) != 1) {
    return not_supported;
  }
  if (rest > size || message + rest != size - HEF_HEADER) {
    return corrupted;
  }
  if (crc32_of(data + HEF_HEADER, size - HEF_HEADER) != big_endian(data + 12)) {
    return corrupted;
  }
  int64_t architecture = message_architecture(data + HEF_HEADER, data + HEF_HEADER + message, 0);
  struct hef *hef = calloc(1, sizeof *hef);
  char *text = calloc(1, (size_t)rest + 1);
  if (hef == NULL || text == NULL) {
    free(hef);
    free(text);
    return HAILO_OUT_OF_HOST_MEMORY;
  }
  hef->references = 1;
  hef->architecture = architecture == 3 ? ARCH_HAILO8L : architecture == 0 ? ARCH_HAILO8 : 99;
  memcpy(text, data + HEF_HEADER + message, rest);
  struct words words = {text};
  bool good = architecture >= 0 && words_read(&words, hef) && is_consistent(hef);
  free(text);
  if (!good) {
    hef_drop(hef);
    return architecture < 0 ? corrupted : not_supported;
  }
  tape_made((uintptr_t)hef, HEF);
  *made = hef;
  return HAILO_SUCCESS;
}

EXPORT int hailo_create_hef_buffer(struct hef **hef, const void *buffer, size_t size) {
  BEGIN(hailo_create_hef_buffer)
  NEED_THAT(hef != NULL && buffer != NULL)
  return hef_read(buffer, size, hef);
}

EXPORT int hailo_create_hef_file(struct hef **hef, const char *name) {
  BEGIN(hailo_create_hef_file)
  NEED_THAT(hef != NULL && name != NULL)
  FILE *file = fopen(name, "rbe");
  if (file == NULL) {
    return HAILO_OPEN_FILE_FAILURE;
  }
  uint8_t *data = NULL;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    data = malloc((size_t)size + 1);
  }
  int result = HAILO_OPEN_FILE_FAILURE;
  if (data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size) {
    result = hef_read(data, (size_t)size, hef);
  }
  free(data);
  fclose(file);
  return result;
}

EXPORT int hailo_release_hef(struct hef *hef) {
  BEGIN(hailo_release_hef)
  NEED_THAT(hef != NULL)
  if (!tape_released((uintptr_t)hef, HEF)) {
    tape_misuse(TWICE, F_hailo_release_hef, "hef");
    return HAILO_INVALID_ARGUMENT;
  }
  hef_drop(hef);
  return HAILO_SUCCESS;
}

static const struct group *group_named(const struct hef *hef, const char *name) {
  for (int g = 0; g < hef->group_count; g++) {
    if (name == NULL || strcmp(hef->groups[g].name, name) == 0) {
      return &hef->groups[g];
    }
  }
  return NULL;
}

EXPORT int hailo_get_network_groups_infos(struct hef *hef, hailo_network_group_info_t *infos, size_t *count) {
  BEGIN(hailo_get_network_groups_infos)
  NEED(hef, HEF, hailo_get_network_groups_infos)
  NEED_THAT(infos != NULL && count != NULL)
  hailo_network_group_info_t found[MOST_GROUPS];
  memset(found, 0, sizeof found);
  for (int g = 0; g < hef->group_count; g++) {
    memcpy(found[g].name, hef->groups[g].name, MOST_NAME);
  }
  return listed((size_t)hef->group_count, count, infos, found, sizeof *found);
}

static int networks_of(const struct group *group, hailo_network_info_t *infos, size_t *count) {
  hailo_network_info_t found[MOST_NETWORKS];
  memset(found, 0, sizeof found);
  for (int n = 0; n < group->network_count; n++) {
    memcpy(found[n].name, group->networks[n].name, MOST_NETWORK_NAME);
  }
  return listed((size_t)group->network_count, count, infos, found, sizeof *found);
}

EXPORT int hailo_hef_get_network_infos(struct hef *hef, const char *name, hailo_network_info_t *infos, size_t *count) {
  BEGIN(hailo_hef_get_network_infos)
  NEED(hef, HEF, hailo_hef_get_network_infos)
  NEED_THAT(infos != NULL && count != NULL)
  const struct group *group = group_named(hef, name);
  return group == NULL ? HAILO_NOT_FOUND : networks_of(group, infos, count);
}

static void describe(const struct tensor *tensor, const struct network *network, uint32_t direction,
    hailo_vstream_info_t *info) {
  memset(info, 0, sizeof *info);
  memcpy(info->name, tensor->name, MOST_NAME);
  memcpy(info->network_name, network->name, MOST_NETWORK_NAME);
  info->direction = direction;
  info->format = (hailo_format_t){tensor->type, tensor->order, tensor->type == TYPE_FLOAT32 ? 0 : 1};
  if (tensor->classes > 0) {
    info->nms_shape.number_of_classes = tensor->classes;
#if LAYOUT == 421
    info->nms_shape.max_bboxes_per_class = tensor->order == ORDER_NMS_BY_SCORE ? 0 : tensor->boxes;
    info->nms_shape.max_bboxes_total = tensor->order == ORDER_NMS_BY_SCORE ? tensor->boxes : 0;
#else
    info->nms_shape.max_bboxes_per_class = tensor->boxes;
#endif
  } else {
    info->shape = tensor->shape;
  }
  info->quant_info = (hailo_quant_info_t){tensor->zero, tensor->scale, 0, 255 * tensor->scale};
}

EXPORT int hailo_hef_get_all_vstream_infos(struct hef *hef, const char *name, hailo_vstream_info_t *infos, size_t *count) {
  BEGIN(hailo_hef_get_all_vstream_infos)
  NEED(hef, HEF, hailo_hef_get_all_vstream_infos)
  NEED_THAT(infos != NULL && count != NULL)
  const struct group *group = group_named(hef, name);
  if (group == NULL) {
    return HAILO_NOT_FOUND;
  }
  hailo_vstream_info_t *found = calloc(2 * MOST_NETWORKS * MOST_TENSORS, sizeof *found);
  if (found == NULL) {
    return HAILO_OUT_OF_HOST_MEMORY;
  }
  size_t filled = 0;
  for (int n = 0; n < group->network_count; n++) {
    const struct network *network = &group->networks[n];
    for (int i = 0; i < network->input_count; i++) {
      describe(&network->inputs[i], network, H2D, &found[filled++]);
    }
    for (int o = 0; o < network->output_count; o++) {
      describe(&network->outputs[o].tensor, network, D2H, &found[filled++]);
    }
  }
  status = listed(filled, count, infos, found, sizeof *found);
  free(found);
  return status;
}

/* ---- Configuring. ---- */

EXPORT int hailo_init_configure_params_by_vdevice(struct hef *hef, struct vdevice *vdevice, hailo_configure_params_t *params) {
  BEGIN(hailo_init_configure_params_by_vdevice)
  NEED(hef, HEF, hailo_init_configure_params_by_vdevice)
  NEED(vdevice, VDEVICE, hailo_init_configure_params_by_vdevice)
  NEED_THAT(params != NULL)
  memset(params, 0, sizeof *params);
  params->network_group_params_count = (size_t)hef->group_count;
  for (int g = 0; g < hef->group_count; g++) {
    memcpy(params->network_group_params[g].name, hef->groups[g].name, MOST_NAME);
    params->network_group_params[g].network_params_by_name_count = (size_t)hef->groups[g].network_count;
    for (int n = 0; n < hef->groups[g].network_count; n++) {
      memcpy(params->network_group_params[g].network_params_by_name[n].name, hef->groups[g].networks[n].name,
          MOST_NETWORK_NAME);
    }
  }
  return HAILO_SUCCESS;
}

static struct configured *configure(struct vdevice *vdevice, struct hef *hef, const struct group *group) {
  struct configured *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return NULL;
  }
  made->owner = vdevice;
  made->hef = hef;
  made->group = group;
  tape_lock();
  hef->references++;
  tape_unlock();
  bool complete = true;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  for (int n = 0; n < group->network_count; n++) {
    struct running *running = &made->networks[n];
    running->network = &group->networks[n];
    pthread_mutex_init(&running->lock, NULL);
    pthread_cond_init(&running->changed, &monotonic);
    for (int r = 0; r < RING; r++) {
      running->ring[r].in = calloc(running->network->cells, sizeof(int32_t));
      complete = complete && running->ring[r].in != NULL;
      for (int o = 0; o < running->network->output_count; o++) {
        const struct output *output = &running->network->outputs[o];
        running->ring[r].out[o] = calloc(output->layers[output->layer_count - 1].out, sizeof(int32_t));
        complete = complete && running->ring[r].out[o] != NULL;
      }
    }
  }
  pthread_condattr_destroy(&monotonic);
  if (!complete) {
    configured_free(made);
    return NULL;
  }
  return made;
}

EXPORT int hailo_configure_vdevice(
    struct vdevice *vdevice, struct hef *hef, hailo_configure_params_t *params, struct configured **groups, size_t *count) {
  BEGIN(hailo_configure_vdevice)
  NEED(vdevice, VDEVICE, hailo_configure_vdevice)
  NEED(hef, HEF, hailo_configure_vdevice)
  NEED_THAT(groups != NULL && count != NULL)
  struct board board;
  if (!board_of(vdevice->device.id, &board)) {
    return HAILO_DRIVER_OPERATION_FAILED;
  }
  /* A Hailo-8 runs what was compiled for a Hailo-8L with a part of itself. */
  if (hef->architecture != board.architecture && !(hef->architecture == ARCH_HAILO8L && board.architecture == ARCH_HAILO8)) {
    return not_compatible;
  }
  size_t wanted = params == NULL ? (size_t)hef->group_count : params->network_group_params_count;
  if (wanted > MOST_GROUPS) {
    tape_misuse(WRONG_SIZE, F_hailo_configure_vdevice, "more groups than the structure has");
    return HAILO_INVALID_ARGUMENT;
  }
  size_t room = *count;
  *count = wanted;
  if (room < wanted) {
    return HAILO_INSUFFICIENT_BUFFER;
  }
  for (size_t g = 0; g < wanted; g++) {
    const struct group *group = params == NULL ? &hef->groups[g] : group_named(hef, params->network_group_params[g].name);
    if (group == NULL) {
      return HAILO_INVALID_ARGUMENT;
    }
    groups[g] = configure(vdevice, hef, group);
    if (groups[g] == NULL) {
      return HAILO_OUT_OF_HOST_MEMORY;
    }
    pthread_mutex_lock(&vdevice->computing);
    groups[g]->next = vdevice->groups;
    vdevice->groups = groups[g];
    pthread_mutex_unlock(&vdevice->computing);
  }
  return HAILO_SUCCESS;
}

static bool is_configured(const struct configured *asked, int f) {
  bool found = false;
  pthread_mutex_lock(&vdevices_lock);
  for (struct vdevice *vdevice = vdevices; vdevice != NULL && asked != NULL; vdevice = vdevice->next) {
    pthread_mutex_lock(&vdevice->computing);
    for (struct configured *group = vdevice->groups; group != NULL; group = group->next) {
      found = found || group == asked;
    }
    pthread_mutex_unlock(&vdevice->computing);
  }
  pthread_mutex_unlock(&vdevices_lock);
  if (!found && asked != NULL) {
    tape_misuse(BAD_HANDLE, f, "configured network group");
  }
  return found;
}

#define NEED_GROUP(group, f)             \
  if (!is_configured(group, F_##f)) {    \
    return HAILO_INVALID_ARGUMENT;       \
  }

EXPORT int hailo_get_network_infos(struct configured *group, hailo_network_info_t *infos, size_t *count) {
  BEGIN(hailo_get_network_infos)
  NEED_GROUP(group, hailo_get_network_infos)
  NEED_THAT(infos != NULL && count != NULL)
  return networks_of(group->group, infos, count);
}

EXPORT int hailo_set_scheduler_timeout(struct configured *group, uint32_t timeout_ms, const char *network) {
  BEGIN(hailo_set_scheduler_timeout)
  NEED_GROUP(group, hailo_set_scheduler_timeout)
  NEED_THAT(network == NULL || timeout_ms < UINT32_MAX)
  return HAILO_SUCCESS;
}

EXPORT int hailo_set_scheduler_threshold(struct configured *group, uint32_t threshold, const char *network) {
  BEGIN(hailo_set_scheduler_threshold)
  NEED_GROUP(group, hailo_set_scheduler_threshold)
  NEED_THAT(network == NULL || threshold < UINT32_MAX)
  return HAILO_SUCCESS;
}

EXPORT int hailo_set_scheduler_priority(struct configured *group, uint8_t priority, const char *network) {
  BEGIN(hailo_set_scheduler_priority)
  NEED_GROUP(group, hailo_set_scheduler_priority)
  NEED_THAT(priority <= 31 && (network == NULL || *network != '\0'))
  return HAILO_SUCCESS;
}

#if LAYOUT > 415
EXPORT int hailo_shutdown_network_group(struct configured *group) {
  BEGIN(hailo_shutdown_network_group)
  NEED_GROUP(group, hailo_shutdown_network_group)
  for (int n = 0; n < group->group->network_count; n++) {
    pthread_mutex_lock(&group->networks[n].lock);
    group->networks[n].ended = true;
    pthread_cond_broadcast(&group->networks[n].changed);
    pthread_mutex_unlock(&group->networks[n].lock);
  }
  return HAILO_SUCCESS;
}
#endif

/* ---- Streams. ---- */

static const struct tensor *tensor_at(const struct network *network, int index, uint32_t direction) {
  return direction == H2D ? &network->inputs[index] : &network->outputs[index].tensor;
}

static int tensors_of(const struct network *network, uint32_t direction) {
  return direction == H2D ? network->input_count : network->output_count;
}

static int make_params(struct configured *group, uint32_t direction, uint32_t type,
    hailo_input_vstream_params_by_name_t *params, size_t *count) {
  hailo_input_vstream_params_by_name_t found[MOST_NETWORKS * MOST_TENSORS];
  size_t filled = 0;
  memset(found, 0, sizeof found);
  for (int n = 0; n < group->group->network_count; n++) {
    const struct network *network = &group->group->networks[n];
    for (int i = 0; i < tensors_of(network, direction); i++) {
      const struct tensor *tensor = tensor_at(network, i, direction);
      memcpy(found[filled].name, tensor->name, MOST_NAME);
      found[filled].params.user_buffer_format = (hailo_format_t){type, ORDER_AUTO, 0};
      found[filled].params.timeout_ms = 10000;
      found[filled].params.queue_size = 2;
      filled++;
    }
  }
  return listed(filled, count, params, found, sizeof *found);
}

EXPORT int hailo_make_input_vstream_params(struct configured *group, bool unused, uint32_t type,
    hailo_input_vstream_params_by_name_t *params, size_t *count) {
  BEGIN(hailo_make_input_vstream_params)
  NEED_GROUP(group, hailo_make_input_vstream_params)
  NEED_THAT((unused || !unused) && type <= TYPE_FLOAT32 && params != NULL && count != NULL)
  return make_params(group, H2D, type, params, count);
}

EXPORT int hailo_make_output_vstream_params(struct configured *group, bool unused, uint32_t type,
    hailo_output_vstream_params_by_name_t *params, size_t *count) {
  BEGIN(hailo_make_output_vstream_params)
  NEED_GROUP(group, hailo_make_output_vstream_params)
  NEED_THAT((unused || !unused) && type <= TYPE_FLOAT32 && params != NULL && count != NULL)
  return make_params(group, D2H, type, params, count);
}

static int stream_make(struct configured *group, uint32_t direction, const hailo_input_vstream_params_by_name_t *params,
    struct stream **made) {
  for (int n = 0; n < group->group->network_count; n++) {
    const struct network *network = &group->group->networks[n];
    for (int i = 0; i < tensors_of(network, direction); i++) {
      const struct tensor *tensor = tensor_at(network, i, direction);
      if (strncmp(params->name, tensor->name, MOST_NAME) != 0) {
        continue;
      }
      uint32_t type = params->params.user_buffer_format.type;
      uint32_t order = params->params.user_buffer_format.order;
      if ((tensor->classes > 0 && type != TYPE_AUTO && type != TYPE_FLOAT32) ||
          (order != ORDER_AUTO && order != tensor->order)) {
        return HAILO_INVALID_ARGUMENT;
      }
      struct stream *stream = calloc(1, sizeof *stream);
      if (stream == NULL) {
        return HAILO_OUT_OF_HOST_MEMORY;
      }
      stream->group = group;
      stream->running = &group->networks[n];
      stream->index = i;
      stream->params = params->params;
      stream->params.user_buffer_format.type = type == TYPE_AUTO ? tensor->type : type;
      stream->params.user_buffer_format.order = tensor->order;
      if (stream->params.queue_size < 1 || stream->params.queue_size > RING) {
        stream->params.queue_size = stream->params.queue_size < 1 ? 1 : RING;
      }
      stream->threshold = 0.25f;
      pthread_mutex_lock(&stream->running->lock);
      unsigned *open = direction == H2D ? &stream->running->open_inputs : &stream->running->open_outputs;
      bool taken = (*open >> i & 1) != 0;
      if (!taken) {
        *open |= 1u << i;
        if (direction == H2D) {
          stream->running->written[i] = 0;
        } else {
          stream->running->read[i] = 0;
        }
        stream->running->ended = false;
      }
      pthread_mutex_unlock(&stream->running->lock);
      if (taken) {
        free(stream);
        return HAILO_INVALID_OPERATION;
      }
      tape_made((uintptr_t)stream, direction == H2D ? INPUT : OUTPUT);
      *made = stream;
      return HAILO_SUCCESS;
    }
  }
  return HAILO_NOT_FOUND;
}

static int streams_release(struct stream *const *streams, size_t count, uint32_t direction, int f) {
  int kind = direction == H2D ? INPUT : OUTPUT;
  for (size_t i = 0; i < count; i++) {
    if (streams[i] == NULL) {
      return HAILO_INVALID_ARGUMENT;
    }
    if (!tape_released((uintptr_t)streams[i], kind)) {
      tape_misuse(TWICE, f, kind_names[kind]);
      return HAILO_INVALID_ARGUMENT;
    }
    struct running *running = streams[i]->running;
    pthread_mutex_lock(&running->lock);
    unsigned bit = 1u << streams[i]->index;
    if (direction == H2D) {
      running->open_inputs &= ~bit;
    } else {
      running->open_outputs &= ~bit;
    }
    running->ended = true;
    pthread_cond_broadcast(&running->changed);
    pthread_mutex_unlock(&running->lock);
    free(streams[i]);
  }
  return HAILO_SUCCESS;
}

static int streams_make(struct configured *group, uint32_t direction, const hailo_input_vstream_params_by_name_t *params,
    size_t count, struct stream **streams, int f) {
  for (size_t i = 0; i < count; i++) {
    int status = stream_make(group, direction, &params[i], &streams[i]);
    if (status != HAILO_SUCCESS) {
      streams_release(streams, i, direction, f);
      return status;
    }
  }
  return HAILO_SUCCESS;
}

EXPORT int hailo_create_input_vstreams(
    struct configured *group, const hailo_input_vstream_params_by_name_t *params, size_t count, struct stream **streams) {
  BEGIN(hailo_create_input_vstreams)
  NEED_GROUP(group, hailo_create_input_vstreams)
  NEED_THAT(params != NULL && streams != NULL)
  return streams_make(group, H2D, params, count, streams, F_hailo_create_input_vstreams);
}

EXPORT int hailo_create_output_vstreams(
    struct configured *group, const hailo_output_vstream_params_by_name_t *params, size_t count, struct stream **streams) {
  BEGIN(hailo_create_output_vstreams)
  NEED_GROUP(group, hailo_create_output_vstreams)
  NEED_THAT(params != NULL && streams != NULL)
  return streams_make(group, D2H, params, count, streams, F_hailo_create_output_vstreams);
}

EXPORT int hailo_release_input_vstreams(struct stream *const *streams, size_t count) {
  BEGIN(hailo_release_input_vstreams)
  NEED_THAT(streams != NULL)
  return streams_release(streams, count, H2D, F_hailo_release_input_vstreams);
}

EXPORT int hailo_release_output_vstreams(struct stream *const *streams, size_t count) {
  BEGIN(hailo_release_output_vstreams)
  NEED_THAT(streams != NULL)
  return streams_release(streams, count, D2H, F_hailo_release_output_vstreams);
}

static size_t frame_size(const struct tensor *tensor, uint32_t type) {
  if (tensor->classes > 0) {
    return tensor->order == ORDER_NMS_BY_SCORE
        ? sizeof(uint16_t) + tensor->boxes * sizeof(hailo_detection_t)
        : tensor->classes * (sizeof(float) + tensor->boxes * sizeof(hailo_bbox_float32_t));
  }
  size_t element = type == TYPE_AUTO ? (tensor->type == TYPE_UINT16 ? 2 : 1) : type == TYPE_FLOAT32 ? 4 : type;
  return tensor->cells * element;
}

static const struct tensor *tensor_of(const struct stream *stream, uint32_t direction) {
  return tensor_at(stream->running->network, stream->index, direction);
}

static size_t stream_frame_size(const struct stream *stream, uint32_t direction) {
  return frame_size(tensor_of(stream, direction), stream->params.user_buffer_format.type);
}

EXPORT int hailo_get_input_vstream_frame_size(struct stream *stream, size_t *size) {
  BEGIN(hailo_get_input_vstream_frame_size)
  NEED(stream, INPUT, hailo_get_input_vstream_frame_size)
  NEED_THAT(size != NULL)
  *size = stream_frame_size(stream, H2D);
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_output_vstream_frame_size(struct stream *stream, size_t *size) {
  BEGIN(hailo_get_output_vstream_frame_size)
  NEED(stream, OUTPUT, hailo_get_output_vstream_frame_size)
  NEED_THAT(size != NULL)
  *size = stream_frame_size(stream, D2H);
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_input_vstream_info(struct stream *stream, hailo_vstream_info_t *info) {
  BEGIN(hailo_get_input_vstream_info)
  NEED(stream, INPUT, hailo_get_input_vstream_info)
  NEED_THAT(info != NULL)
  describe(tensor_of(stream, H2D), stream->running->network, H2D, info);
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_output_vstream_info(struct stream *stream, hailo_vstream_info_t *info) {
  BEGIN(hailo_get_output_vstream_info)
  NEED(stream, OUTPUT, hailo_get_output_vstream_info)
  NEED_THAT(info != NULL)
  describe(tensor_of(stream, D2H), stream->running->network, D2H, info);
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_input_vstream_user_format(struct stream *stream, hailo_format_t *format) {
  BEGIN(hailo_get_input_vstream_user_format)
  NEED(stream, INPUT, hailo_get_input_vstream_user_format)
  NEED_THAT(format != NULL)
  *format = stream->params.user_buffer_format;
  return HAILO_SUCCESS;
}

EXPORT int hailo_get_output_vstream_user_format(struct stream *stream, hailo_format_t *format) {
  BEGIN(hailo_get_output_vstream_user_format)
  NEED(stream, OUTPUT, hailo_get_output_vstream_user_format)
  NEED_THAT(format != NULL)
  *format = stream->params.user_buffer_format;
  return HAILO_SUCCESS;
}

static int quant_infos(const struct tensor *tensor, hailo_quant_info_t *infos, size_t *count) {
  hailo_quant_info_t info = {tensor->zero, tensor->scale, 0, 255 * tensor->scale};
  return listed(1, count, infos, &info, sizeof info);
}

EXPORT int hailo_get_input_vstream_quant_infos(struct stream *stream, hailo_quant_info_t *infos, size_t *count) {
  BEGIN(hailo_get_input_vstream_quant_infos)
  NEED(stream, INPUT, hailo_get_input_vstream_quant_infos)
  NEED_THAT(infos != NULL && count != NULL)
  return quant_infos(tensor_of(stream, H2D), infos, count);
}

EXPORT int hailo_get_output_vstream_quant_infos(struct stream *stream, hailo_quant_info_t *infos, size_t *count) {
  BEGIN(hailo_get_output_vstream_quant_infos)
  NEED(stream, OUTPUT, hailo_get_output_vstream_quant_infos)
  NEED_THAT(infos != NULL && count != NULL)
  return quant_infos(tensor_of(stream, D2H), infos, count);
}

EXPORT int hailo_get_vstream_frame_size(hailo_vstream_info_t *info, hailo_format_t *format, size_t *size) {
  BEGIN(hailo_get_vstream_frame_size)
  NEED_THAT(info != NULL && format != NULL && size != NULL)
  struct tensor tensor = {.shape = info->shape, .type = info->format.type, .order = info->format.order};
  tensor.cells = info->shape.height * info->shape.width * info->shape.features;
  switch (format->order == ORDER_AUTO ? info->format.order : format->order) {
    case ORDER_NMS_BY_CLASS:
      tensor.order = ORDER_NMS_BY_CLASS;
      tensor.classes = info->nms_shape.number_of_classes;
      tensor.boxes = info->nms_shape.max_bboxes_per_class;
      break;
#if LAYOUT >= 420
    case ORDER_NMS_BY_SCORE:
      tensor.order = ORDER_NMS_BY_SCORE;
      tensor.classes = 1;
      tensor.boxes = info->nms_shape.max_bboxes_total;
      break;
#endif
    case ORDER_NMS:
      *size = 0;
      return HAILO_SUCCESS;
    default:
      break;
  }
  *size = frame_size(&tensor, format->type);
  return HAILO_SUCCESS;
}

EXPORT int hailo_is_qp_valid(const hailo_quant_info_t info, bool *valid) {
  BEGIN(hailo_is_qp_valid)
  NEED_THAT(valid != NULL)
  *valid = info.qp_scale != 0;
  return HAILO_SUCCESS;
}

EXPORT int hailo_vstream_set_nms_score_threshold(struct stream *stream, float threshold) {
  BEGIN(hailo_vstream_set_nms_score_threshold)
  NEED(stream, OUTPUT, hailo_vstream_set_nms_score_threshold)
  if (tensor_of(stream, D2H)->classes == 0) {
    return HAILO_INVALID_OPERATION;
  }
  stream->threshold = threshold;
  return HAILO_SUCCESS;
}

/* ---- Computing. ---- */

/* HAILO_SUCCESS if the device can be reached: it is there, and so is the service if processes share it. */
static int reach(const struct vdevice *vdevice) {
  if (vdevice->ownership->shared && !service_runs()) {
    return HAILO_RPC_FAILED;
  }
  return device_is_there(vdevice->device.id) ? HAILO_SUCCESS : HAILO_STREAM_ABORT;
}

static int32_t clamp(int64_t value, int32_t most) { return value < 0 ? 0 : value > most ? most : (int32_t)value; }

static void compute(const struct network *network, struct frame *frame) {
  for (int o = 0; o < network->output_count; o++) {
    const struct output *output = &network->outputs[o];
    int32_t *in = frame->in;
    int32_t *made = NULL;
    for (int l = 0; l < output->layer_count; l++) {
      const struct layer *layer = &output->layers[l];
      bool last = l + 1 == output->layer_count;
      int32_t *out = last ? frame->out[o] : calloc(layer->out, sizeof *out);
      if (out == NULL) {
        break;
      }
      for (uint32_t row = 0; row < layer->out; row++) {
        int64_t sum = layer->biases[row];
        for (uint32_t column = 0; column < layer->in; column++) {
          sum += (int64_t)layer->weights[(size_t)row * layer->in + column] * in[column];
        }
        sum >>= layer->shift;
        bool wide = output->tensor.type == TYPE_UINT16;
        out[row] = last ? clamp(sum + (int64_t)output->tensor.zero, wide ? 65535 : 255) : clamp(sum, 255);
      }
      free(made);
      made = last ? NULL : out;
      in = out;
    }
    free(made);
  }
  frame->computed = true;
}

static unsigned long least(const unsigned long *counts, int length) {
  unsigned long found = counts[0];
  for (int i = 1; i < length; i++) {
    found = counts[i] < found ? counts[i] : found;
  }
  return found;
}

/* Waits a little for a change, under the network's lock: HAILO_SUCCESS to look again. */
static int wait_for_change(struct stream *stream, const struct timespec *start) {
  struct running *running = stream->running;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double waited = 1e3 * (double)(now.tv_sec - start->tv_sec) + 1e-6 * (double)(now.tv_nsec - start->tv_nsec);
  if (waited >= stream->params.timeout_ms) {
    return HAILO_TIMEOUT;
  }
  now.tv_nsec += 10 * 1000000L;
  if (now.tv_nsec >= 1000000000L) {
    now.tv_nsec -= 1000000000L;
    now.tv_sec++;
  }
  pthread_cond_timedwait(&running->changed, &running->lock, &now);
  if (running->ended) {
    return HAILO_STREAM_ABORT;
  }
  pthread_mutex_unlock(&running->lock);
  int status = reach(stream->group->owner);
  pthread_mutex_lock(&running->lock);
  return status;
}

static void same_thread(struct stream *stream, int f) {
  if (!stream->used) {
    stream->used = true;
    stream->user = pthread_self();
  } else if (!pthread_equal(stream->user, pthread_self())) {
    tape_misuse(WRONG_THREAD, f, "one thread per stream");
  }
}

static void take_in(const struct stream *stream, const void *buffer, struct frame *frame) {
  const struct tensor *tensor = tensor_of(stream, H2D);
  uint32_t from = 0;
  for (int i = 0; i < stream->index; i++) {
    from += stream->running->network->inputs[i].cells;
  }
  int32_t most = tensor->type == TYPE_UINT16 ? 65535 : 255;
  for (uint32_t i = 0; i < tensor->cells; i++) {
    int32_t value;
    if (stream->params.user_buffer_format.type == TYPE_FLOAT32) {
      float real;
      memcpy(&real, (const float *)buffer + i, sizeof real);
      double quantized = nearbyint((double)real / (double)tensor->scale + (double)tensor->zero);
      value = isnan(quantized) ? 0 : quantized < 0 ? 0 : quantized > most ? most : (int32_t)quantized;
    } else if (stream->params.user_buffer_format.type == TYPE_UINT16) {
      uint16_t wide;
      memcpy(&wide, (const uint16_t *)buffer + i, sizeof wide);
      value = wide > most ? most : wide;
    } else {
      value = ((const uint8_t *)buffer)[i];
    }
    frame->in[from + i] = value - (int32_t)tensor->zero;
  }
}

EXPORT int hailo_vstream_write_raw_buffer(struct stream *stream, const void *buffer, size_t size) {
  BEGIN(hailo_vstream_write_raw_buffer)
  NEED(stream, INPUT, hailo_vstream_write_raw_buffer)
  NEED_THAT(buffer != NULL)
  if (size != stream_frame_size(stream, H2D)) {
    tape_misuse(WRONG_SIZE, F_hailo_vstream_write_raw_buffer, "a frame");
    return HAILO_INVALID_ARGUMENT;
  }
  same_thread(stream, F_hailo_vstream_write_raw_buffer);
  status = reach(stream->group->owner);
  struct running *running = stream->running;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  pthread_mutex_lock(&running->lock);
  while (status == HAILO_SUCCESS && running->written[stream->index] -
                                            least(running->read, running->network->output_count) >=
                                        stream->params.queue_size) {
    status = wait_for_change(stream, &start);
  }
  if (status == HAILO_SUCCESS) {
    struct frame *frame = &running->ring[running->written[stream->index] % RING];
    take_in(stream, buffer, frame);
    frame->computed = false;
    running->written[stream->index]++;
    pthread_cond_broadcast(&running->changed);
  }
  pthread_mutex_unlock(&running->lock);
  return status;
}

EXPORT int hailo_flush_input_vstream(struct stream *stream) {
  BEGIN(hailo_flush_input_vstream)
  NEED(stream, INPUT, hailo_flush_input_vstream)
  return HAILO_SUCCESS;
}

static void give_boxes(const struct stream *stream, const struct frame *frame, uint8_t *to) {
  const struct output *output = &stream->running->network->outputs[stream->index];
  const int32_t *made = frame->out[stream->index];
  uint32_t count = output->layers[output->layer_count - 1].out / 6;
  const struct tensor *tensor = &output->tensor;
  memset(to, 0, frame_size(tensor, TYPE_FLOAT32));
  if (tensor->order == ORDER_NMS_BY_SCORE) {
    uint16_t found = 0;
    for (int32_t score = 255; score >= 0; score--) {
      for (uint32_t i = 0; i < count && found < tensor->boxes; i++) {
        const int32_t *box = made + (size_t)i * 6;
        if (box[4] != score || (float)score / 255 < stream->threshold) {
          continue;
        }
        hailo_detection_t detection = {(float)box[0] / 255, (float)box[1] / 255, (float)box[2] / 255, (float)box[3] / 255,
            (float)score / 255, (uint16_t)((uint32_t)box[5] % tensor->classes)};
        memcpy(to + sizeof found + found * sizeof detection, &detection, sizeof detection);
        found++;
      }
    }
    memcpy(to, &found, sizeof found);
    return;
  }
  for (uint32_t class = 0; class < tensor->classes; class++) {
    uint8_t *counted = to;
    float found = 0;
    to += sizeof found;
    for (uint32_t i = 0; i < count && found < (float)tensor->boxes; i++) {
      const int32_t *box = made + (size_t)i * 6;
      if ((uint32_t)box[5] % tensor->classes != class || (float)box[4] / 255 < stream->threshold) {
        continue;
      }
      hailo_bbox_float32_t out = {
          (float)box[0] / 255, (float)box[1] / 255, (float)box[2] / 255, (float)box[3] / 255, (float)box[4] / 255};
      memcpy(to, &out, sizeof out);
      to += sizeof out;
      found++;
    }
    memcpy(counted, &found, sizeof found);
  }
}

static void give_out(const struct stream *stream, const struct frame *frame, void *buffer) {
  const struct tensor *tensor = tensor_of(stream, D2H);
  if (tensor->classes > 0) {
    give_boxes(stream, frame, buffer);
    return;
  }
  for (uint32_t i = 0; i < tensor->cells; i++) {
    int32_t value = frame->out[stream->index][i];
    if (stream->params.user_buffer_format.type == TYPE_FLOAT32) {
      float real = ((float)value - tensor->zero) * tensor->scale;
      memcpy((float *)buffer + i, &real, sizeof real);
    } else if (stream->params.user_buffer_format.type == TYPE_UINT16) {
      uint16_t wide = (uint16_t)value;
      memcpy((uint16_t *)buffer + i, &wide, sizeof wide);
    } else {
      ((uint8_t *)buffer)[i] = (uint8_t)value;
    }
  }
}

static void damage(const struct stream *stream, uint8_t *buffer, size_t size, const struct tape_fault *fault) {
  uint32_t type = stream->params.user_buffer_format.type;
  size_t bytes = type == TYPE_FLOAT32 ? 4 : type == TYPE_UINT16 ? 2 : 1;
  for (size_t i = 0; i + bytes <= size; i += bytes) {
    uint8_t *at = buffer + i;
    float real;
    memcpy(&real, at, bytes == 4 ? 4 : 0);
    switch (fault->action) {
      case TAPE_NAN:
        memset(at, 0xff, bytes);
        break;
      case TAPE_VALUE:
      case TAPE_NOISE:
        if (bytes == 4) {
          real = fault->action == TAPE_VALUE ? (float)fault->amount : real + (float)(fault->amount * tape_noise());
          memcpy(at, &real, sizeof real);
        } else {
          *at = (uint8_t)(fault->action == TAPE_VALUE ? (int)fault->amount : *at + (int)(fault->amount * tape_noise()));
        }
        break;
      case TAPE_FLIP: {
        size_t bit = (size_t)fault->amount % (8 * bytes);
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        break;
      }
      default:
        break;
    }
  }
  if (fault->action == TAPE_SWAP) {
    size_t count = size / bytes;
    for (size_t i = 0; i < count / 2; i++) {
      uint8_t kept[4];
      uint8_t *other = buffer + (count - 1 - i) * bytes;
      memcpy(kept, buffer + i * bytes, bytes);
      memcpy(buffer + i * bytes, other, bytes);
      memcpy(other, kept, bytes);
    }
  }
}

EXPORT int hailo_vstream_read_raw_buffer(struct stream *stream, void *buffer, size_t size) {
  BEGIN(hailo_vstream_read_raw_buffer)
  NEED(stream, OUTPUT, hailo_vstream_read_raw_buffer)
  NEED_THAT(buffer != NULL)
  if (size != stream_frame_size(stream, D2H)) {
    tape_misuse(WRONG_SIZE, F_hailo_vstream_read_raw_buffer, "a frame");
    return HAILO_INVALID_ARGUMENT;
  }
  same_thread(stream, F_hailo_vstream_read_raw_buffer);
  struct running *running = stream->running;
  const struct network *network = running->network;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  pthread_mutex_lock(&running->lock);
  unsigned long place = running->read[stream->index];
  while (status == HAILO_SUCCESS && least(running->written, network->input_count) <= place) {
    status = wait_for_change(stream, &start);
  }
  if (status == HAILO_SUCCESS) {
    struct frame *frame = &running->ring[place % RING];
    if (!frame->computed) {
      pthread_mutex_t *computing = &stream->group->owner->computing;
      pthread_mutex_lock(computing);
      const struct ownership *ownership = stream->group->owner->ownership;
      if (ownership->shared) {
        file_lock(ownership->file, F_WRLCK, COMPUTING, true);
      }
      if (network->ms > 0) {
        tape_pause(network->ms);
      }
      compute(network, frame);
      if (ownership->shared) {
        file_lock(ownership->file, F_UNLCK, COMPUTING, false);
      }
      pthread_mutex_unlock(computing);
    }
    give_out(stream, frame, buffer);
    running->read[stream->index]++;
    pthread_cond_broadcast(&running->changed);
  }
  pthread_mutex_unlock(&running->lock);
  if (status == HAILO_SUCCESS) {
    status = reach(stream->group->owner);
  }
  if (status == HAILO_SUCCESS && faulty) {
    damage(stream, buffer, size, &fault);
  }
  return status;
}

/* ---- What is there by name only. ---- */

static int refused(int f) {
  struct tape_fault fault;
  if (tape_next(f, &fault)) {
    if (fault.action == TAPE_STATUS) {
      return (int)fault.amount;
    }
    tape_play(&fault);
  }
  return HAILO_NOT_IMPLEMENTED;
}

#define FUNCTION(name) \
  EXPORT int name(void) { return refused(F_##name); }
REFUSED(FUNCTION)
LATER(FUNCTION)
#undef FUNCTION
#define FUNCTION(name)       \
  EXPORT size_t name(void) { \
    refused(F_##name);       \
    return 0;                \
  }
SIZES(FUNCTION)
#undef FUNCTION

/* Says what it is to whoever looks into the library. */
EXPORT const char *shoji_simulated(void) { return "HailoRT, simulated by Shoji: no device is there"; }

/* ---- Opening and closing. ---- */

static const char *function_name(int f) { return function_names[f]; }

static bool returns_status(int f) {
  switch (f) {
#define FUNCTION(name) case F_##name:
    SIZES(FUNCTION)
#undef FUNCTION
    case F_hailo_get_status_message:
      return false;
    default:
      return true;
  }
}

static const struct tape_subject subject = {
    .name = "hailort",
    .functions = FUNCTION_COUNT,
    .function_name = function_name,
    .returns_status = returns_status,
    .failure = HAILO_DRIVER_OPERATION_FAILED,
    .handle_kinds = KINDS,
    .handle_names = kind_names,
    .misuse_kinds = MISUSES,
    .misuse_names = misuse_names,
    .begin = begin,
    .line = own_line,
    .inside = function_names,
};

__attribute__((constructor)) static void opened(void) {
  usual();
  fresh_boards = true;
  tape_open(&subject);
}

__attribute__((destructor)) static void closed(void) { tape_close(); }
