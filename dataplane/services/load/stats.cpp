#include "services/load/stats.h"

namespace millrace::services::load {

LoadError error_of(app::CloseReason reason) {
  switch (reason) {
    case app::CloseReason::Finished:
      return LoadError::Ended;
    case app::CloseReason::Reset:
      return LoadError::Reset;
    case app::CloseReason::Refused:
      return LoadError::Refused;
    case app::CloseReason::TimedOut:
      return LoadError::TimedOut;
    case app::CloseReason::Unreachable:
      return LoadError::Unreachable;
    case app::CloseReason::NoMemory:
      return LoadError::NoMemory;
    case app::CloseReason::AddressInUse:
      return LoadError::NoPorts;
    case app::CloseReason::Aborted:
    case app::CloseReason::Internal:
      return LoadError::Internal;
  }
  return LoadError::Internal;
}

LoadError error_of(app::OpenError error) {
  switch (error) {
    case app::OpenError::NoRoute:
      return LoadError::NoRoute;
    case app::OpenError::NoPorts:
      return LoadError::NoPorts;
    case app::OpenError::NoMemory:
      return LoadError::TableFull;
    default:
      return LoadError::NoOpen;
  }
}

}  // namespace millrace::services::load
