// Savepoints that are wanted: which epoch each is copied from, and what becomes of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/checkpoint/checkpoint_directory.h"
#include "runner/process/savepoint_ticket.h"

namespace streamrun {

/// Used by the supervisor's loop only. Every ticket is answered once.
class SavepointOrders {
 public:
  /// Epochs that may be given up before an order is.
  static constexpr int kAttempts = 3;

  explicit SavepointOrders(CheckpointDirectory* disk) : disk_(disk) {}

  /// False when it is refused at once (its name is bad or taken); else an epoch is to be asked for.
  bool Add(SavepointTicketPtr ticket);
  /// Orders that came before an epoch began are copies of it, whatever it was begun for.
  void Began(uint64_t epoch);
  void GivenUp(uint64_t epoch, const std::string& why);
  void Committed(uint64_t epoch);
  /// No epoch will follow.
  void RefuseAll(const std::string& why);

 private:
  struct Order {
    SavepointTicketPtr ticket;
    uint64_t epoch = 0;  // 0: the next one
    int given_up = 0;
  };

  CheckpointDirectory* disk_;
  std::vector<Order> orders_;
};

}  // namespace streamrun
