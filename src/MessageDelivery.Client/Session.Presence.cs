using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <content>
/// Watching: any LIST that is written while somebody watches asks the hub to go on with who comes and goes, any other ends that.
/// Where no call writes the one that is needed, the session does, one at a time.
/// </content>
internal sealed partial class Session
{
    private bool _watches;
    private bool _mayBeTold;
    private bool _isFeedListPending;

    private void UpdateWatch()
    {
        lock (_gate)
        {
            WriteListIfNeeded();
        }

        Outbound.Set();
    }

    private void WriteListIfNeeded()
    {
        if (_link is not null && !_goodbyeQueued && !_isFeedListPending && Presence.IsWanted != _watches)
        {
            Write(new(FrameType.List) { Request = new ListRequest(Presence) { IsOfFeed = true } });
        }
    }

    private void NoteListWritten(ListRequest list)
    {
        list.Watches = _watches = Presence.IsWanted;
        _mayBeTold |= _watches;
        _isFeedListPending |= list.IsOfFeed;
    }

    private void NoteListAnswered(ListRequest list)
    {
        if (list.IsOfFeed)
        {
            _isFeedListPending = false;
        }

        WriteListIfNeeded();
    }

    /// <summary>On a new connection nothing is watched but by the lists that are asked again.</summary>
    private void NoteNewConnection()
    {
        (_watches, _mayBeTold) = (false, false);
        foreach (ListRequest list in _requests.OfType<ListRequest>())
        {
            _watches = list.Watches;
            _mayBeTold |= list.Watches;
        }

        WriteListIfNeeded();
    }

    private HubConnectionException? ReceivePresence(in Frame frame)
    {
        var change = (PresenceChange)frame.Header.Argument;
        if (change is not (PresenceChange.Joined or PresenceChange.Left) || frame.PayloadBytes % 8 != 0)
        {
            return Violation($"a PRESENCE of {frame.PayloadBytes} bytes with argument {frame.Header.Argument}; it has 8 for each id, and 1 or 2");
        }

        lock (_gate)
        {
            if (!_mayBeTold)
            {
                return Violation("a PRESENCE, though nobody watches");
            }
        }

        ulong[] users = MemoryMarshal.Cast<byte, ulong>(frame.Payload).ToArray();
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(users, users);
        }

        Presence.Apply(change, users);
        return null;
    }
}
