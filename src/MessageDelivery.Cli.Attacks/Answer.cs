namespace MessageDelivery.Cli.Attacks;

/// <summary>Something that the hub said.</summary>
/// <param name="Name">What it is: <c>WELCOME</c>, <c>GOODBYE frame_too_large</c>, <c>error invalid_message</c>, <c>HTTP 404</c>, <c>line</c>.</param>
/// <param name="Bytes">A frame's payload, or a line without its end; empty where it is long and nobody keeps it.</param>
internal readonly record struct Answer(string Name, byte[] Bytes)
{
    public const string Welcome = "WELCOME";
    public const string Delivery = "DELIVERY";
    public const string Identity = "IDENTITY";

    /// <summary>A text user's own id.</summary>
    public const string TextIdentity = "id";

    /// <summary>A line that is none of the hub's known ones.</summary>
    public const string Line = "line";
}
