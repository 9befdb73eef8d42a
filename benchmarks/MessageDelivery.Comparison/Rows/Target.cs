namespace MessageDelivery.Comparison.Rows;

/// <summary>What a row is judged by.</summary>
internal enum TargetFigure
{
    /// <summary>nats-server's processor time for a message, divided by ours: more is better.</summary>
    NatsToOurs,

    /// <summary>The least processor time of any peer, divided by ours: more is better.</summary>
    BestPeerToOurs,

    /// <summary>Our processor time for a message over WebSocket, divided by that over plain TCP: less is better.</summary>
    WebSocketToTcp,

    /// <summary>The median time of an answer, in microseconds: less is better.</summary>
    MedianMicroseconds,
}

/// <summary>What the hub should reach in a row. Null: nothing was set.</summary>
internal sealed record Target(TargetFigure Figure, double? Least, double? Aim)
{
    /// <summary>Which of the two a value reaches, in words.</summary>
    public string Judge(double? value)
    {
        if (value is not { } reached || (Least is null && Aim is null))
        {
            return Results.Format.None;
        }

        bool Reaches(double? mark) => Figure is TargetFigure.MedianMicroseconds or TargetFigure.WebSocketToTcp ? reached <= mark : reached >= mark;
        return Reaches(Aim) ? "aim" : Reaches(Least) ? "at least" : "no";
    }
}
