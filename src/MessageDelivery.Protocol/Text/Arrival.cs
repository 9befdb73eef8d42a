namespace MessageDelivery.Protocol.Text;

/// <summary>Which bytes of the input came in the last arrival: they count as arrived together.</summary>
internal struct Arrival
{
    // At the input's beginning: bytes that are not consumed, and those of them that are older than the last arrival.
    private int _unconsumedBytes;
    private int _olderBytes;

    /// <summary>Whether the word of the relay that is read came in the last arrival.</summary>
    public bool HasRelayWord { get; private set; }

    public void Begin()
    {
        _olderBytes = _unconsumedBytes;
        HasRelayWord = false;
    }

    public void NoteRelayWord(int position) => HasRelayWord = position >= _olderBytes;

    public void NoteConsumed(int inputBytes, int consumed)
    {
        _unconsumedBytes = inputBytes - consumed;
        _olderBytes = Math.Max(0, _olderBytes - consumed);
    }
}
