#include "tcp/input.h"

#include "tcp/open/handshake.h"
#include "tcp/steps.h"
#include "tcp/transfer/header_prediction.h"

namespace millrace::tcp {

namespace {

Verdict on_segment_in_order_of_steps(Tcb& tcb, wire::Segment& segment, Packet& packet,
                                     const Context& context) {
  if (const Step step = check_sequence(tcb, segment, context)) return *step;
  if (const Step step = check_rst(tcb, segment, context)) return *step;
  if (const Step step = check_syn(tcb, segment, context)) return *step;
  if (const Step step = check_ack(tcb, segment, context)) return *step;
  check_urg(tcb, segment);
  if (const Step step = process_text(tcb, segment, packet, context)) return *step;
  check_fin(tcb, segment);
  return Verdict::taken();
}

}  // namespace

Verdict on_segment(Tcb& tcb, wire::Segment& segment, Packet& packet, const Context& context) {
  if (tcb.hot.state() == State::Established) {
    switch (predict(tcb.hot, segment)) {
      case Prediction::PureAck:
        return take_pure_ack(tcb, segment, context);
      case Prediction::InOrderData:
        return take_in_order_data(tcb, segment, packet, context);
      case Prediction::None:
        break;
    }
  }
  if (tcb.hot.state() == State::SynSent) return on_segment_syn_sent(tcb, segment, packet, context);
  return on_segment_in_order_of_steps(tcb, segment, packet, context);
}

}  // namespace millrace::tcp
