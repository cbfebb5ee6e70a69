// The control thread: accepts clients of the control socket and steps their sessions. It is no lcore, waits
// for none, and no client can hold it. Neighbours: listening.h (the file), session.h (a client), view.h (what
// is shown), attendant.h (what else the thread serves).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/socket/attendant.h"
#include "control/socket/listening.h"
#include "control/socket/session.h"
#include "control/socket/view.h"

namespace millrace::control {

struct ServerParams {
  std::string path;
  mode_t mode = 0660;
  std::string group;  // empty: the process's own
  Limits limits;
  Session::Log log;  // who asked for changes; called on the control thread; empty: nobody is told
};

class Server {
 public:
  // `view` outlives the server.
  Server(EndpointView& view, ServerParams params);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The thread serves this too. Before start(); it outlives the server.
  void attend(Attendant& attendant) { attendants_.push_back(&attendant); }

  // Makes the socket and starts the thread, which takes no signals. Nothing: it runs. Otherwise a sentence
  // that says what is wrong and what to do.
  [[nodiscard]] std::optional<std::string> start();
  // Ends the thread, drops the clients, removes the socket file. May be called twice.
  void stop();

 private:
  void run();
  int wait(Moment now, epoll_event* events, int room);
  void accept_clients(Moment now);
  void admit(int fd, Moment now);
  bool make_room(Moment now);
  void step(int fd, Moment now, bool hung_up);
  void step_due(Moment now);
  bool step_attendant(int fd, Moment now);
  void pause_accepting(Moment until);

  struct Client {
    std::unique_ptr<Session> session;
    uint32_t interest = 0;  // as epoll has it
  };

  EndpointView& view_;
  const ServerParams params_;
  std::vector<Attendant*> attendants_;
  ListeningSocket socket_;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_{false};  // written by stop(), read by the thread
  std::map<int, Client> clients_;      // by fd; the thread's alone, like all below
  std::optional<Moment> accept_again_;
  std::thread thread_;
};

}  // namespace millrace::control
