namespace MessageDelivery.Protocol.Text;

/// <summary>What <see cref="TextParser"/> found in the input.</summary>
public enum TextEvent
{
    /// <summary>More input is needed.</summary>
    NeedMoreData,
    /// <summary>A command line; see <see cref="TextParser.Verb"/> and <see cref="TextParser.Argument"/>.</summary>
    Command,
    /// <summary>A relay's ids are valid; see <see cref="TextParser.Receivers"/>. Its body follows.</summary>
    RelayBegins,
    /// <summary>Some bytes of the relay's body; see <see cref="TextParser.Body"/>.</summary>
    Body,
    /// <summary>The relay's body is complete.</summary>
    RelayEnds,
    /// <summary>
    /// An error; see <see cref="TextParser.ErrorCode"/> and <see cref="TextParser.ErrorText"/>. After
    /// <see cref="RelayBegins"/> it replaces <see cref="RelayEnds"/>: that relay is void.
    /// </summary>
    Error,
}

/// <summary>The commands of the text protocol.</summary>
public enum TextVerb
{
    /// <summary><c>identity</c></summary>
    Identity,
    /// <summary><c>list</c></summary>
    List,
    /// <summary><c>echo TEXT</c></summary>
    Echo,
    /// <summary><c>relay</c>, which is reported by <see cref="TextEvent.RelayBegins"/>, never by <see cref="TextEvent.Command"/>.</summary>
    Relay,
    /// <summary><c>auth TOKEN</c></summary>
    Auth,
    /// <summary><c>verbose</c> or <c>verbose on</c></summary>
    VerboseOn,
    /// <summary><c>verbose off</c></summary>
    VerboseOff,
    /// <summary><c>help</c></summary>
    Help,
    /// <summary><c>quit</c></summary>
    Quit,
}
