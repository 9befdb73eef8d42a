using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;
using static MessageDelivery.Torture.Tests.History;

namespace MessageDelivery.Torture.Tests;

/// <summary>What a hub could do wrong, as histories: each has to be found, and what it does right must not be.</summary>
public class CheckerTests
{
    [Fact]
    public void Nothing_is_found_in_a_history_without_fault()
    {
        var history = new History();
        for (int i = 0; i < 10_000; i++)
        {
            long plain = history.Send();
            long told = history.Send(RelayFlags.Receipt, 100, ReceiverId, 99, NeighbourId, ReceiverId);
            history.Send(RelayFlags.None, bodyBytes: 5);
            history.Receive(plain);
            history.Receive(told);
            history.Receive(told, at: Neighbour);
            history.ReceiveTiny();
            history.Answer(told, Outcome.Accepted, Outcome.Unknown, Outcome.Held, Outcome.Accepted);
            history.Checker.Processed(Sender, plain + 2);
        }

        Assert.Null(history.Checker.Outstanding());
        Assert.Equal(0, history.Checker.UnsettledRelays);
        Assert.Empty(history.Conclude());
        Assert.Equal(30_000, history.Checker.Counts.Checked);
    }

    [Fact]
    public void A_resend_that_skips_one_is_a_loss()
    {
        var history = new History();
        long first = history.Send();
        long skipped = history.Send();
        long last = history.Send();
        history.Checker.Processed(Sender, last);
        history.Receive(first);
        history.Checker.Resumed(Receiver);
        history.Receive(last);
        Assert.Equal([ViolationKind.Lost], history.Conclude());
        var violation = Assert.Single(history.Checker.Violations);
        Assert.Contains($"#{skipped}", violation.What, StringComparison.Ordinal);
        Assert.Contains(violation.History, line => line.Contains($"sends #{skipped}", StringComparison.Ordinal));
        Assert.Contains(violation.History, line => line.Contains("resumed", StringComparison.Ordinal));
    }

    [Fact]
    public void The_last_of_all_is_missed_too()
    {
        var history = new History();
        history.Checker.Processed(Sender, history.Send());
        Assert.NotNull(history.Checker.Outstanding());
        Assert.Equal([ViolationKind.Lost], history.Conclude());
    }

    [Theory]
    [InlineData(Outcome.Accepted)]
    [InlineData(Outcome.Held)]
    public void What_a_receipt_says_is_taken_has_to_arrive(Outcome outcome)
    {
        var history = new History();
        history.Answer(history.Send(RelayFlags.Receipt | RelayFlags.BestEffort), outcome);
        Assert.Equal([ViolationKind.Lost], history.Conclude());
    }

    [Fact]
    public void A_resend_of_what_had_arrived_is_a_repetition()
    {
        var history = new History();
        long number = history.Send();
        history.Receive(number);
        history.Checker.Processed(Sender, number);
        history.Checker.Resumed(Receiver);
        history.Receive(number);
        Assert.Equal([ViolationKind.Repeated], history.Conclude());
    }

    [Fact]
    public void A_relay_that_was_carried_out_twice_is_a_repetition_before_the_hub_has_said_so()
    {
        var history = new History();
        long number = history.Send();
        history.Receive(number);
        history.Checker.Resumed(Sender);
        history.Receive(number);
        history.Checker.Processed(Sender, number);
        Assert.Equal([ViolationKind.Repeated], history.Conclude());
    }

    [Fact]
    public void Tiny_bodies_are_counted()
    {
        var lost = new History();
        lost.Checker.Processed(Sender, lost.Send(RelayFlags.None, bodyBytes: 5));
        Assert.Equal([ViolationKind.Lost], lost.Conclude());

        var repeated = new History();
        repeated.Checker.Processed(Sender, repeated.Send(RelayFlags.None, bodyBytes: 5));
        repeated.ReceiveTiny();
        repeated.ReceiveTiny();
        Assert.Equal([ViolationKind.Repeated], repeated.Conclude());
    }

    [Fact]
    public void Two_that_are_swapped_are_out_of_order()
    {
        var history = new History();
        long first = history.Send();
        long second = history.Send();
        history.Receive(second);
        history.Receive(first);
        history.Checker.Processed(Sender, second);
        Assert.Contains(ViolationKind.Disordered, history.Conclude());
    }

    [Fact]
    public void What_arrives_at_a_neighbour_is_misdelivered()
    {
        var history = new History();
        long number = history.Send();
        history.Receive(number, at: Neighbour);
        history.Checker.Processed(Sender, number);
        Assert.Equal([ViolationKind.Lost, ViolationKind.Misdelivered], history.Conclude());
    }

    [Fact]
    public void What_arrives_under_a_neighbours_id_is_misdelivered()
    {
        var history = new History();
        long number = history.Send();
        history.Receive(number, senderId: NeighbourId);
        history.Checker.Processed(Sender, number);
        Assert.Equal([ViolationKind.Misdelivered], history.Conclude());
    }

    [Fact]
    public void A_successor_gets_nothing_of_its_predecessor()
    {
        const ulong Successor = Receiver + 1;
        var history = new History();
        long number = history.Send();
        history.Checker.Ended(Receiver, SessionEnd.NotResumed, new(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(2), 1 << 20));
        history.Checker.Joined(Successor, 99, ClientKind.Raw);
        history.Receive(number, at: Successor);
        history.Checker.Processed(Sender, number);
        Assert.Equal([ViolationKind.Misdelivered], history.Conclude());
    }

    [Fact]
    public void A_forgotten_receipt_is_missed_at_the_next_one()
    {
        var history = new History();
        long forgotten = history.Send(RelayFlags.Receipt);
        long next = history.Send(RelayFlags.Receipt);
        history.Receive(forgotten);
        history.Receive(next);
        history.Answer(next, Outcome.Accepted);
        Assert.Equal(ViolationKind.WrongReceipt, Assert.Single(history.Checker.ViolationCounts).Key);
    }

    [Theory]
    [InlineData(RelayFlags.Receipt)]
    [InlineData(RelayFlags.Receipt | RelayFlags.Confirm)]
    public void A_forgotten_receipt_is_missed_at_the_end(RelayFlags flags)
    {
        var history = new History();
        history.Receive(history.Send(flags));
        Assert.Equal([ViolationKind.WrongReceipt], history.Conclude());
    }

    [Fact]
    public void A_second_receipt_is_one_too_many()
    {
        var history = new History();
        long number = history.Send(RelayFlags.Receipt);
        history.Receive(number);
        history.Answer(number, Outcome.Accepted);
        history.Answer(number, Outcome.Accepted);
        Assert.Equal([ViolationKind.WrongReceipt], history.Conclude());
    }

    [Fact]
    public void Receipts_of_confirm_come_when_they_are_known()
    {
        var history = new History();
        long confirmed = history.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        long plain = history.Send(RelayFlags.Receipt);
        history.Receive(confirmed);
        history.Receive(plain);
        history.Answer(plain, Outcome.Accepted);
        history.Checker.Acknowledging(Receiver, 1);
        history.Answer(confirmed, Outcome.Delivered);
        Assert.Empty(history.Conclude());
        Assert.Equal(1, history.Checker.Counts.Confirmed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Delivered_means_acknowledged(bool hasArrived)
    {
        var history = new History();
        long number = history.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        if (hasArrived)
        {
            history.Receive(number);
        }

        history.Answer(number, Outcome.Delivered);
        Assert.Contains(ViolationKind.FalselyAccepted, history.Conclude());
    }

    [Theory]
    [InlineData(Outcome.Accepted)]
    [InlineData(Outcome.Held)]
    public void What_is_not_confirmed_in_time_has_to_arrive_all_the_same(Outcome outcome)
    {
        var late = new History();
        long number = late.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        late.Answer(number, outcome);
        Assert.NotNull(late.Checker.Outstanding());
        late.Receive(number);
        late.Checker.Acknowledging(Receiver, 1);
        Assert.Empty(late.Conclude());
        Assert.Equal((0, 1), (late.Checker.Counts.Confirmed, late.Checker.Counts.Unconfirmed));

        var lost = new History();
        lost.Answer(lost.Send(RelayFlags.Receipt | RelayFlags.Confirm), outcome);
        Assert.Equal([ViolationKind.Lost], lost.Conclude());
    }

    /// <summary>A timeout that comes while a relay waits for a full receiver must not make up what is not known.</summary>
    [Fact]
    public void One_who_has_acknowledged_does_not_speak_for_the_others()
    {
        var history = new History();
        long number = history.Send(RelayFlags.Receipt | RelayFlags.Confirm, 100, ReceiverId, NeighbourId, 999);
        history.Receive(number);
        history.Checker.Acknowledging(Receiver, 1);
        history.Answer(number, Outcome.Delivered, Outcome.Delivered, Outcome.Delivered);
        history.Receive(number, at: Neighbour);
        Assert.Equal([ViolationKind.FalselyAccepted], history.Conclude());
        Assert.Equal(2, history.Checker.ViolationCounts[ViolationKind.FalselyAccepted]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_cannot_acknowledge_has_not(bool isText)
    {
        var history = new History(isText ? ClientKind.Text : ClientKind.Plain);
        long number = history.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        history.Receive(number);
        history.Answer(number, Outcome.Delivered);
        Assert.Contains(ViolationKind.WrongReceipt, history.Conclude());
    }

    [Fact]
    public void Who_is_listed_twice_has_one_outcome()
    {
        var history = new History();
        long number = history.Send(RelayFlags.Receipt | RelayFlags.Confirm, 100, ReceiverId, NeighbourId, ReceiverId);
        history.Receive(number);
        history.Receive(number, at: Neighbour);
        history.Checker.Acknowledging(Receiver, 1);
        history.Answer(number, Outcome.Delivered, Outcome.Accepted, Outcome.Accepted);
        Assert.Equal([ViolationKind.WrongReceipt], history.Conclude());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_confirmed_relay_that_is_best_effort_may_be_left_out_and_only_then(bool isBestEffort)
    {
        var history = new History();
        long left = history.Send(RelayFlags.Receipt | RelayFlags.Confirm | (isBestEffort ? RelayFlags.BestEffort : 0));
        long next = history.Send();
        history.Receive(next);
        history.Answer(left, Outcome.Full);
        history.Checker.Processed(Sender, next);
        Assert.Equal(isBestEffort, history.Conclude().Length == 0);
    }

    [Fact]
    public void Delivered_means_that_the_librarys_program_has_taken_it()
    {
        var early = new History(ClientKind.Library);
        long number = early.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        early.Answer(number, Outcome.Delivered);
        early.Receive(number);
        Assert.Equal([ViolationKind.FalselyAccepted], early.Conclude());

        var taken = new History(ClientKind.Library);
        number = taken.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        taken.Receive(number);
        taken.Answer(number, Outcome.Delivered);
        Assert.Empty(taken.Conclude());

        var late = new History(ClientKind.Library);
        number = late.Send(RelayFlags.Receipt | RelayFlags.Confirm);
        late.Checker.Ended(Receiver, SessionEnd.ConnectionLost);
        late.Checker.Joined(Receiver + 1, 99, ClientKind.Library);
        late.Receive(number, at: Receiver + 1);
        late.Answer(number, Outcome.Delivered);
        Assert.Empty(late.Conclude());
    }

    [Fact]
    public void A_changed_body_is_found()
    {
        var history = new History();
        long number = history.Send();
        history.Receive(number, state: BodyState.Changed);
        Assert.Equal(ViolationKind.Changed, Assert.Single(history.Checker.ViolationCounts).Key);
    }

    [Theory]
    [InlineData(Outcome.Unknown)]
    [InlineData(Outcome.Full)]
    public void What_was_refused_does_not_arrive(Outcome outcome)
    {
        var before = new History();
        long number = before.Send(RelayFlags.Receipt | RelayFlags.BestEffort);
        before.Receive(number);
        before.Answer(number, outcome);
        Assert.Contains(ViolationKind.DeliveredThoughRefused, before.Conclude());

        var after = new History();
        number = after.Send(RelayFlags.Receipt | RelayFlags.BestEffort);
        after.Answer(number, outcome);
        after.Receive(number);
        Assert.Contains(ViolationKind.DeliveredThoughRefused, after.Conclude());
    }

    [Theory]
    [InlineData(Outcome.Unknown)]
    [InlineData(Outcome.Full)]
    public void Who_is_refused_must_be_gone_in_the_end(Outcome outcome)
    {
        var there = new History();
        there.Answer(there.Send(RelayFlags.Receipt), outcome);
        Assert.Equal([ViolationKind.FalselyRefused], there.Conclude());

        var gone = new History();
        gone.Answer(gone.Send(RelayFlags.Receipt), outcome);
        gone.Checker.Ended(Receiver, SessionEnd.Killed);
        Assert.Empty(gone.Conclude());
    }

    [Fact]
    public void Best_effort_may_be_full_while_others_arrive()
    {
        var history = new History();
        long left = history.Send(RelayFlags.Receipt | RelayFlags.BestEffort);
        history.Send(RelayFlags.BestEffort);
        long next = history.Send();
        history.Receive(next);
        history.Answer(left, Outcome.Full);
        history.Checker.Processed(Sender, next);
        Assert.Empty(history.Conclude());
    }

    [Fact]
    public void Nobody_accepts_for_an_id_that_never_was()
    {
        var history = new History();
        history.Answer(history.Send(RelayFlags.Receipt, 100, 999), Outcome.Accepted);
        Assert.Equal([ViolationKind.FalselyAccepted], history.Conclude());
    }

    [Fact]
    public void A_session_that_ended_may_lose_what_was_under_way_and_its_relays_arrive_at_most_once()
    {
        var history = new History();
        long known = history.Send(RelayFlags.Receipt, 100, NeighbourId);
        history.Answer(known, Outcome.Held);
        history.Checker.Ended(Neighbour, SessionEnd.Killed);
        long once = history.Send();
        history.Send();
        history.Checker.Ended(Sender, SessionEnd.ConnectionLost);
        history.Receive(once);
        Assert.Empty(history.Conclude());
        history.Receive(once);
        Assert.Equal([ViolationKind.Repeated], history.Conclude());
    }

    [Theory]
    [InlineData(5, 0, true)]
    [InlineData(113, 0, true)]
    [InlineData(115, 0, false)]
    [InlineData(130, 0, false)]
    [InlineData(5, 1 << 20, false)]
    public void A_session_ends_only_with_a_reason(int secondsAway, int bytesUnderWay, bool isFound)
    {
        var history = new History();
        if (bytesUnderWay > 0)
        {
            history.Checker.Processed(Sender, history.Send(RelayFlags.None, bytesUnderWay));
        }

        history.Checker.Ended(Receiver, SessionEnd.NotResumed, new(TimeSpan.FromSeconds(secondsAway), TimeSpan.FromMinutes(2), 1 << 20));
        Assert.Equal(isFound ? [ViolationKind.SessionLost] : [], history.Conclude());
    }

    [Fact]
    public void A_hub_that_counts_more_relays_than_were_sent_is_found()
    {
        var history = new History();
        history.Checker.Processed(Sender, 1);
        Assert.Equal([ViolationKind.Unexpected], history.Conclude());
    }

    [Fact]
    public void An_error_for_a_relay_without_fault_is_found()
    {
        var history = new History();
        history.Checker.Rejected(Sender, history.Send(RelayFlags.Receipt), ProtocolCode.InvalidReceivers);
        Assert.Equal([ViolationKind.Rejected], history.Conclude());
    }
}
