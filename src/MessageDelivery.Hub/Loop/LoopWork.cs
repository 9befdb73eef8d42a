
namespace MessageDelivery.Hub.Loop;

/// <summary>What other threads, or a flush, leave for a connection's own loop to do.</summary>
[Flags]
internal enum LoopWork
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
    /// <summary>The memory it stood in line for has been set aside.</summary>
    Admitted = 128,
    /// <summary>It lets go of a queue that outlives it.</summary>
    HandOver = 256,
    /// <summary>Its TLS handshake has something to say, or is over.</summary>
    Tls = 512,
    /// <summary>It is closing, and somebody else needs its place now.</summary>
    GiveWay = 1024,
    /// <summary>A defect in the hub showed while another thread sent on it.</summary>
    Failed = 2_048,
}
