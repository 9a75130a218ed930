#include "runner/process/savepoint_orders.h"

#include <algorithm>

namespace streamrun {

namespace {

void Fail(SavepointTicket& ticket, std::string why) {
  ticket.Set({SavepointReport::Phase::kFailed, 0, "", std::move(why)});
}

}  // namespace

bool SavepointOrders::Add(SavepointTicketPtr ticket) {
  Status status = disk_->CheckNewSavepoint(ticket->name());
  if (status.ok() && std::any_of(orders_.begin(), orders_.end(),
                                 [&](const Order& o) { return o.ticket->name() == ticket->name(); })) {
    status = {Code::kAlreadyExists, "savepoint '" + ticket->name() + "' is being taken already"};
  }
  if (!status.ok()) {
    Fail(*ticket, status.message());
    return false;
  }
  orders_.push_back({std::move(ticket)});
  return true;
}

void SavepointOrders::Began(uint64_t epoch) {
  for (Order& order : orders_) {
    if (order.epoch == 0) order.epoch = epoch;
  }
}

void SavepointOrders::GivenUp(uint64_t epoch, const std::string& why) {
  for (Order& order : orders_) {
    if (order.epoch != epoch) continue;
    order.epoch = 0;
    if (++order.given_up < kAttempts) {
      order.ticket->Set({SavepointReport::Phase::kWaiting, 0, "", why});
    } else {
      Fail(*order.ticket, std::to_string(kAttempts) + " epochs were given up: " + why);
    }
  }
  std::erase_if(orders_, [](const Order& o) { return o.given_up == kAttempts; });
}

void SavepointOrders::Committed(uint64_t epoch) {
  for (const Order& order : orders_) {
    if (order.epoch != epoch) continue;
    const std::string& name = order.ticket->name();
    if (const Status status = disk_->CopyToSavepoint(epoch, name); !status.ok()) {
      Fail(*order.ticket, status.message());
    } else {
      order.ticket->Set({SavepointReport::Phase::kTaken, epoch, disk_->SavepointDirectory(name), ""});
    }
  }
  std::erase_if(orders_, [epoch](const Order& o) { return o.epoch == epoch; });
}

void SavepointOrders::RefuseAll(const std::string& why) {
  for (const Order& order : orders_) Fail(*order.ticket, why);
  orders_.clear();
}

}  // namespace streamrun
