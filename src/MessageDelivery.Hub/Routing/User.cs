namespace MessageDelivery.Hub.Routing;

/// <summary>Somebody with an id. Its receiver changes when a silent connection turns out to speak the binary protocol.</summary>
internal sealed class User(ulong id, IReceiver receiver)
{
    private volatile IReceiver _receiver = receiver;

    public ulong Id { get; } = id;

    public IReceiver Receiver
    {
        get => _receiver;
        set => _receiver = value;
    }
}
