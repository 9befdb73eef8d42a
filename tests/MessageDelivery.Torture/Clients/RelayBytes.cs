using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <summary>Frames of the binary protocol that a client sends.</summary>
internal static class RelayBytes
{
    /// <summary>A RELAY whose correlation, if it has one, is its number.</summary>
    public static byte[] Relay(in RelayDraft draft, uint run, ulong session, long number)
    {
        byte[] frame = new byte[RelayLayout.HeadBytes(draft.Flags, draft.Receivers.Length) + draft.BodyBytes];
        int head = FrameBytes.WriteRelayHead(frame, draft.Flags, (ulong)number, draft.Receivers, draft.BodyBytes);
        Body.Write(frame.AsSpan(head), run, session, number, draft.IsText);
        return frame;
    }
}
