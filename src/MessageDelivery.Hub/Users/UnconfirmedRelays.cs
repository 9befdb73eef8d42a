using System.Diagnostics;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// The relays of one session whose receipts wait until the receivers have acknowledged them. Their number is bounded, they are kept in
/// message memory, and they go with the session. Receivers tell it from any thread; everything else is done by the session's loop.
/// </summary>
/// <param name="timeoutMilliseconds">How long a receipt waits once it is known whom the relay has reached.</param>
internal sealed unsafe class UnconfirmedRelays(BlockPool pool, UserRegistry users, long timeoutMilliseconds, IConfirmationOwner owner)
    : WheelEntry, IAcknowledgementWaiter, ISlicedWork
{
    /// <summary>Receivers of relays that are not confirmed; at or above it the sender is made to wait.</summary>
    public const int MaxReceivers = 4_096;

    private const int MaxPerSlice = 256;

    // Taken inside a receiver's queue's lock; inside it only the pool's is taken.
    private readonly Lock _gate = new();
    private ConfirmationCells _cells = new(pool);
    private IConfirmationOwner? _owner = owner;
    private GCHandle _handle;

    // In whose wheel it stands; null for none.
    private EventLoop? _loop;

    // The relay that is being carried out, and the entries of its receivers.
    private Confirmation* _current;
    private nint[] _entries = [];

    private ConfirmationList _due;

    // Over, but receivers may still have to forget them; and the entry that is next.
    private Confirmation* _firstOver;
    private ConfirmationReceiver* _nextOver;
    private bool _isUnfinished;
    private int _receivers;
    private bool _isAwaited;

    public nint Handle => GCHandle.ToIntPtr(_handle);

    /// <summary>Whether one more relay has to wait until some are confirmed.</summary>
    public bool MustWait
    {
        get
        {
            lock (_gate)
            {
                return _isAwaited = _receivers >= MaxReceivers;
            }
        }
    }

    /// <summary>A relay is being carried out, whose receivers are told to acknowledge.</summary>
    public void Begin(ulong correlation, ReadOnlySpan<ulong> receivers)
    {
        lock (_gate)
        {
            if (_owner is null)
            {
                return;
            }

            if (_entries.Length < receivers.Length)
            {
                _entries = new nint[receivers.Length == 1 ? 1 : ProtocolLimits.MaxReceivers];
            }

            _cells.Reserve(1 + receivers.Length);
            if (!_handle.IsAllocated)
            {
                _handle = GCHandle.Alloc(this);
            }

            Debug.Assert(_current is null, "who waits for the relay before would write where this one is");
            _current = _cells.Take<Confirmation>();
            _current->Correlation = correlation;
            _current->Receivers = (ushort)receivers.Length;
            _current->Holds = 1;
            for (int i = receivers.Length - 1; i >= 0; i--)
            {
                var entry = _cells.Take<ConfirmationReceiver>();
                entry->Relay = _current;
                entry->Next = _current->First;
                entry->Receiver = receivers[i];
                _current->First = entry;
                _entries[i] = (nint)entry;
            }

            _receivers += receivers.Length;
        }
    }

    /// <summary>It is known what became of the relay for each receiver. Its time runs from now.</summary>
    public void NoteOutcomes(ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes, EventLoop running)
    {
        Span<Outcome> known = stackalloc Outcome[ProtocolLimits.MaxReceivers];
        ConfirmedReceipt receipt;
        lock (_gate)
        {
            var relay = _current;
            if (relay is null)
            {
                return;
            }

            _current = null;
            relay->NoteOutcomes(receivers, outcomes);
            if (--relay->Holds > 0)
            {
                relay->Due = running.Now + timeoutMilliseconds;
                _due.Add(relay);
                Arm(relay->Due, running);
                return;
            }

            receipt = End(relay, known);
            Free(relay);
        }

        receipt.Send(running, known);
    }

    public nint Await(int index, ulong number)
    {
        lock (_gate)
        {
            if (_current is null)
            {
                return 0;
            }

            var awaited = (ConfirmationReceiver*)_entries[index];
            awaited->Number = number;
            awaited->IsAwaited = true;
            _current->Holds++;
            return (nint)awaited;
        }
    }

    public void AwaitEnded(nint wait, bool isAcknowledged, IOutlet outlet)
    {
        Span<Outcome> known = stackalloc Outcome[ProtocolLimits.MaxReceivers];
        ConfirmedReceipt receipt;
        lock (_gate)
        {
            var entry = (ConfirmationReceiver*)wait;
            var relay = entry->Relay;
            Debug.Assert(entry->IsAwaited && relay->Holds > 0, "a wait has ended twice");
            entry->IsAwaited = false;
            entry->IsDelivered = isAcknowledged;
            if (--relay->Holds > 0)
            {
                return;
            }

            if (relay->IsOver)
            {
                Free(relay);
                return;
            }

            _due.Remove(relay);
            receipt = End(relay, known);
            Free(relay);
        }

        receipt.Send(outlet, known);
    }

    /// <summary>The session is over: nobody waits for a receipt. Any thread once no loop runs.</summary>
    public void Close(IOutlet outlet)
    {
        EventLoop? loop;
        lock (_gate)
        {
            _owner = null;
            loop = _loop;
            _loop = null;
            if (_current is not null)
            {
                // Its own hold keeps it until it is forgotten.
                _current->IsOver = true;
                AddOver(_current);
                _current = null;
            }

            while (_due.First is not null)
            {
                var relay = _due.First;
                _due.Remove(relay);
                relay->IsOver = true;
                relay->Holds++;
                AddOver(relay);
            }
        }

        if (loop is { IsCurrent: true })
        {
            loop.Deadlines.Remove(this);
        }
        else
        {
            loop?.Call(() => loop.Deadlines.Remove(this));
        }

        Forget(outlet);
    }

    public bool DoSlice(IOutlet outlet)
    {
        for (int i = 0; i < MaxPerSlice; i++)
        {
            ulong receiver;
            ulong number;
            lock (_gate)
            {
                if (!TryTakeOver(out bool isAwaited, out receiver, out number))
                {
                    return _isUnfinished = false;
                }

                if (!isAwaited)
                {
                    continue;
                }
            }

            try
            {
                users.Find(receiver)?.Receiver.Forget(number, outlet);
            }
            catch
            {
                // The others are told all the same: else what stands for them would never be given back.
                outlet.DoLater(this);
                throw;
            }
        }

        return true;
    }

    internal override void OnDue()
    {
        // What it may do is done here; a session that was closed meanwhile has nothing due.
        if (_loop is not { } loop)
        {
            return;
        }

        Span<Outcome> known = stackalloc Outcome[ProtocolLimits.MaxReceivers];
        for (int i = 0; i < MaxPerSlice; i++)
        {
            ConfirmedReceipt receipt;
            lock (_gate)
            {
                var relay = _due.First;
                if (relay is null || relay->Due > loop.Now || i == MaxPerSlice - 1)
                {
                    Rearm(relay, loop);
                    break;
                }

                _due.Remove(relay);
                receipt = End(relay, known);
                relay->Holds++;
                AddOver(relay);
            }

            receipt.Send(loop, known);
        }

        Forget(loop);
    }

    /// <summary>No acknowledgement is waited for any more: removes it from the receivers' lines.</summary>
    private void Forget(IOutlet outlet)
    {
        lock (_gate)
        {
            if (_firstOver is null || _isUnfinished)
            {
                return;
            }

            _isUnfinished = true;
        }

        if (DoSlice(outlet))
        {
            outlet.DoLater(this);
        }
    }

    private void Arm(long due, EventLoop loop)
    {
        if (_loop is null)
        {
            _loop = loop;
            loop.Deadlines.Set(this, due);
        }
    }

    private void Rearm(Confirmation* next, EventLoop loop)
    {
        if (next is not null)
        {
            loop.Deadlines.Set(this, next->Due);
        }
        else
        {
            _loop = null;
        }
    }

    /// <summary>The relay's receipt, with what is known: delivered, or what became of it when it was queued.</summary>
    private ConfirmedReceipt End(Confirmation* relay, Span<Outcome> known)
    {
        relay->IsOver = true;
        relay->CopyTo(known);
        _receivers -= relay->Receivers;
        Debug.Assert(_receivers >= 0, "more relays have ended than were begun");
        bool goesOn = _isAwaited && _receivers < MaxReceivers;
        _isAwaited &= !goesOn;
        return new(_owner, relay->Correlation, relay->Receivers, goesOn);
    }

    private void Free(Confirmation* relay)
    {
        _cells.Return(relay);
        if (_cells.Used == 0)
        {
            _handle.Free();
        }
    }

    private bool TryTakeOver(out bool isAwaited, out ulong receiver, out ulong number)
    {
        var relay = _firstOver;
        if (relay is null)
        {
            (isAwaited, receiver, number) = (false, 0, 0);
            return false;
        }

        var entry = _nextOver is null ? relay->First : _nextOver;
        (isAwaited, receiver, number) = (entry->IsAwaited, entry->Receiver, entry->Number);
        _nextOver = entry->Next;
        if (_nextOver is null)
        {
            _firstOver = relay->Next;
            if (--relay->Holds == 0)
            {
                Free(relay);
            }
        }

        return true;
    }

    private void AddOver(Confirmation* relay)
    {
        relay->Next = null;
        if (_firstOver is null)
        {
            _firstOver = relay;
            return;
        }

        // Behind the first, which may be half forgotten.
        relay->Next = _firstOver->Next;
        _firstOver->Next = relay;
    }
}
