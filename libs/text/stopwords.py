"""Words that carry no content in a question or a sentence, of languages other than English."""

OF_LANGUAGE: dict[str, frozenset[str]] = {
    language: frozenset(listed.split())
    for language, listed in {
        "de": """aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf
        aus bedeutet bei beim bekomme bekommen bekommt bin bis bist bitte da dabei dadurch dafür dagegen daher damit
        danach dann daran darauf daraus darf darfst darüber darum das dass dauern dauert davon dazu dein deine deinem
        deinen deiner dem den denn der deren des dessen dich die dies diese diesem diesen dieser dieses dir doch dort du
        durch dürfen ein eine einem einen einer eines er es etwa etwas euch euer für gegen gelten gibt gilt hab habe
        haben hat hatte hatten heißt hier hinter hoch ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede
        jedem jeden jeder jedes jetzt kann kannst können könnte lang lange man manche mein meine meinem meinen meiner
        mich mir mit muss müssen musst nach nicht noch nun nur ob oder oft ohne per sehr sein seine seinem seinen seiner
        seit sich sie sind so soll sollen sollte sondern über um und uns unser unsere unserem unseren unter viel viele
        vielen vieler vom von vor war wann waren warum was weil weit welche welchem welchen welcher welches wem wen wenn
        wer werden weshalb wessen wie wieso wieviel wieviele will wir wird wirst wo wofür woher wohin wollen womit
        worden wurde wurden zu zum zur zwar zwischen""",
        "fr": """a ai alors as au aucun aussi autre aux avant avec avez avoir avons c ce cela celle celles celui ces cet
        cette ceux chaque chez ci combien comme comment d dans de depuis des dois doit doivent donc dont du dure durent
        elle elles en entre es est et étaient était êtes étions être eu eux fait faire faut font il ils j je jusqu
        jusque l la là laquelle le lequel les lesquels leur leurs lors lorsque lui m ma mais me même mes moi mon n ne ni
        non nos notre nous on ont ou où par parce pas peut peuvent peux plus pour pourquoi puis puisque qu quand que
        quel quelle quelles quels qui quoi s sa sans se sera ses si sien soit son sont sous suis sur t ta te tes toi ton
        tous tout toute toutes très tu un une vers vos votre vous y""",
        "es": """a al algo algún alguna algunas alguno algunos ante antes aquel aquella aquí así aún bajo cada como cómo
        con contra cual cuál cuales cuáles cuando cuándo cuanta cuánta cuantas cuántas cuánto cuantos cuántos de debe
        deben debo del desde donde dónde dos dura duran durante e el él ella ellas ellos en entre era eran es esa esas
        ese eso esos esta está estaba estado están estas este esto estos fue fueron ha hace hacia han hasta hay he la
        las le les lo los mas más me mi mis mucho muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros
        para pero por porque puede pueden puedo pues que qué quien quién quienes se sea según ser si sí sido sin sobre
        son su sus también tan tanto te tengo ti tiene tienen todo todos tu tus un una unas uno unos usted ustedes y ya
        yo""",
        "it": """a ad agli ai al alla alle allo anche ancora avere aveva c che chi ci ciò come con contro cosa così cui
        d da dagli dai dal dalla dalle dallo degli dei del della delle dello dentro deve devo devono di do dopo dov dove
        due dura durano e è ed era erano essere fa fino fra fu gli ha hai hanno ho i il in io l la le lei li lo loro lui
        ma me mi mia mie miei mio ne negli nei nel nella nelle nello no noi non nostra nostro o ogni oltre per perché
        però più poi possiamo posso possono prima può qual quale quali quando quanta quante quanti quanto quei quella
        quelle quello questa queste questi questo qui sarà se sei senza si sia siamo sono sopra sotto sta stata stato su
        sua sue sugli sui sul sulla sulle sullo suo suoi tra tu tua tuo tutti tutto un una uno vengono viene vi voi
        vostro""",
        "nl": """aan al alle alleen als altijd andere ben bij binnen bent dan dat de deze die dit doen door duren dus
        duurt een één eens elk elke en er geen haar had hadden heb hebben hebt heeft hem hen het hier hij hoe hoeveel
        hoewel hun ik ik in is ja je jij jou jouw jullie kan kunnen kunt maar mag me meer men met mij mijn mocht moet
        moeten mogen na naar net niet nog nu of om omdat onder ons onze ook op over per te tegen ten ter tijdens toch
        toen tot tussen u uit uw van vanaf vandaan veel via volgens voor waar waarom wanneer want waren was wat we wel
        welk welke werd werden wie wij wil willen word worden wordt ze zelf zich zij zijn zo zonder zou zouden
        zullen""",
        "pt": """a à ainda além algo algum alguma alguns ao aos apenas após aquela aquele aquilo as às até cada com como
        contra cujo da dar das de dela dele deles depois desde dessa desse desta deste deve devem devo disso do dos dura
        duram e é ela elas ele eles em entre era eram essa esse esta está estamos estão estar estas este estes estou eu
        fazer foi foram há isso isto já lhe mais mas me mesmo meu meus minha minhas muito na não nas nem nessa nesse
        nesta neste no nos nós nossa nosso num numa o onde os ou outra outras outro outros para pela pelas pelo pelos
        pode podem pois por porque porquê posso qual quais quando quanta quantas quanto quantos que quem se sem ser será
        seu seus só sob sobre sua suas são também tem têm tenho ter teu toda todas todo todos tu tua um uma umas uns
        você vocês""",
    }.items()
}
