#include "tcp/settings.h"

#include "tcp/memory.h"

namespace millrace::tcp {

TcbRare* Settings::take(Memory& memory) {
  if (owned()) return rare();
  TcbRare* block = memory.take_rare(*params());
  if (block != nullptr) word_ = word_of(*block) | kOwned;
  return block;
}

void Settings::give_back(Memory& memory) {
  if (!owned()) return;
  memory.give_back(rare());
  word_ = word_of(kNoSettings);
}

}  // namespace millrace::tcp
