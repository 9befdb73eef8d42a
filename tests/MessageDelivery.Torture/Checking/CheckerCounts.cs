namespace MessageDelivery.Torture.Checking;

/// <summary>How much was checked.</summary>
internal sealed class CheckerCounts
{
    public long Sessions { get; set; }

    public long Sent { get; set; }

    /// <summary>Relays whose fate is settled for each receiver.</summary>
    public long Checked { get; set; }

    /// <summary>Receivers of CONFIRM relays that have acknowledged, by the hub's word, and have.</summary>
    public long Confirmed { get; set; }

    /// <summary>Receivers of CONFIRM relays that could have acknowledged, and have not until the timeout or their end.</summary>
    public long Unconfirmed { get; set; }

    public long Held { get; set; }

    public long Refused { get; set; }

    public long Rejected { get; set; }

    /// <summary>Copies whose sender could not know what became of them.</summary>
    public long Unknowable { get; set; }

    public long Deliveries { get; set; }

    public long Resumes { get; set; }

    public long FreshIdentities { get; set; }
}
