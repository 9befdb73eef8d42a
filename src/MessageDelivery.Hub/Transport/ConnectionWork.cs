namespace MessageDelivery.Hub.Transport;

/// <summary>What other threads, or a flush, leave for a connection's own loop to do.</summary>
[Flags]
internal enum ConnectionWork
{
    None = 0,
    /// <summary>What it paused for has come.</summary>
    Resume = 1,
    /// <summary>Its queue has more than one flush may send.</summary>
    Flush = 2,
    /// <summary>Its deadlines have changed.</summary>
    Reschedule = 4,
    /// <summary>Its queue is complete and empty.</summary>
    Drained = 8,
    /// <summary>Sending failed.</summary>
    Broken = 16,
    /// <summary>It has input left from a turn that had taken long enough.</summary>
    Receive = 32,
    /// <summary>The hub stops.</summary>
    ShutDown = 64,
    /// <summary>The memory it claimed has been set aside.</summary>
    ClaimGranted = 128,
    /// <summary>It lets go of a queue that outlives it.</summary>
    HandOver = 256,
    /// <summary>What another thread did for its layer is done.</summary>
    Layer = 512,
    /// <summary>It is closing, and somebody else needs its place now.</summary>
    GiveWay = 1_024,
    /// <summary>A defect in the hub showed while another thread sent on it.</summary>
    Failed = 2_048,
    /// <summary>It keeps small pieces of what was received, which pin the blocks in which they came.</summary>
    Untidy = 4_096,
    /// <summary>Its layer, which epoll does not watch, has something to receive.</summary>
    Readable = 8_192,
    /// <summary>The same has room to send.</summary>
    Writable = 16_384,
}
