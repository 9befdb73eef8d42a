namespace MessageDelivery.Load;

/// <summary>How far the slowest of the receivers is to whom every message goes.</summary>
internal sealed class SlowestReceiver(Receiver[] receivers)
{
    private long _delivered;
    private int _count = receivers.Length; // how many have got no more than that

    /// <summary>One of them has got more than it had; by how many messages that takes the slowest further.</summary>
    public long Advance(long before)
    {
        if (before != _delivered || --_count > 0)
        {
            return 0;
        }

        long slowest = _delivered;
        _delivered = long.MaxValue;
        foreach (var receiver in receivers)
        {
            if (receiver.Delivered < _delivered)
            {
                _delivered = receiver.Delivered;
                _count = 0;
            }

            _count += receiver.Delivered == _delivered ? 1 : 0;
        }

        return _delivered - slowest;
    }
}
