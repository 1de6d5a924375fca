"""Pickles that 0.1.0 has written, base85 of zlib, by class; and what those predicted then."""

from __future__ import annotations

PICKLES = {
    "MLP": (
        "c-nnZ&1(}u6i?FDBu&K%(sRX2OC>hF*ot)zp+plKMOqO>m)YHEcVTySotbUfidb#6DGY-2sRw)RL8*U$2jj(qp"
        "dN~s;-MIeUId|ny;W!OaS+9~?7n%w_wjr4_RY6H9BGTyMP#NB<DMI2<qM*1{OoyHf&SZY6Z%BPMG>YtbLKFEQb"
        "IjTAojZ$QR0wkog$8*pe@dQDm*`QLv$jOJ2QwoJ^|5Au^UR|`i#jOlS-{)!l@rbAku!o9Z%M!l9NqaAX1+1Nq6"
        "YUg5TaMc_;Q6m?J&+7cwM~@4N3edzJ=75(mt2C1c^#SaiQOC{Bo^B}x2{Lm}1_(M1uld{1XwwOke*7LNjTNE4m"
        "g6eEjCBjb=D<T^8vt9&WjVce&Y4&p#-N=*nv@^tgmnwH&pRkroz*sIrflB-ChJ&cH6zx^M0Y6iJ2Sac}^nPy0l"
        "87UyG0A~6WD=W#c=@Y9_VRZf6qPz+U4Uw45f#@Nj7erZI1!uj`<qo10$<DfTs?r#zp~+=?qN5%u%Mq&)vI3>pU"
        "C74`Sb_`CSBk4Ydk^fRt+~jg#MCe>R~r5{5kCp#a=G|RO8rxcaWIziz1QMfXRhx)(Bj2n1&;>W*IN_MCNqm#=f"
        "vvH_|78@WSB@8Ij{%ptRl4sTa@uS<?wR8n^t~aeo{+SU+fL`bdUXb*+`ll`bSctmDGzrZhSc2y`nvx-`m>UUZ@"
        "^kuUtGr7PO7pV`l^|Rh!I1|7HICW^HY6@=A5Pp&RXHOc%*rCCI~SDGr8mX^}&)rPm!2><^9XZ@P<FL;"
    ),
    "reference.MLP": (
        "c-nnZ&1(}u6wgO%lBQw>&B;T>OG_oDy;w!vLnzV229Z`o(Pgqb?Jn%jt~0YOTM?_RCV@eaKJ}npdr<T*5aY#zp"
        "dN~s;-OglxF|ved#ldm;~<J}Vc)#p`}n<i^X9wm<l~X1h}~0&ao6#)6i;D_iGj1y0udiSc?y<b@ETl!0g-l4h^"
        "fx(In1CGQ(qOtb_XL$Y%;A=#4!}K#kmiKr@JnT9%OKP265XXAi5}a0;wF2F_~jfsdY>^_52V-%JaGH%DPl?vS|"
        "}U()C>F4qRFA>uV)%#I_3NNFV+S8Ij2M&9|$W>X1lapV^LNEF2pPZ>{IVVUaK;i5GAvMA{;HDI%ul>Wr(F%c9%"
        "lp|1`pqH~L4WHM=_ZQ=)9X9jYVFKO9~do<KR?C8v^4S`4;Z=X8TvU)Dawmu(t@$!1&ArdJUBceBN{|BC&K~4u2"
        "y~;p_5m01=3P>q{86L&TN-%7A#B5c_?J0hfS3yBV#Ab&<WJuupVOCecSvPRFjVML3vtFI5G{$LQaM_;dZbr&-#"
        "B7BuK`C+r^3e)Z;WP}CqUvRDg0;Uh7nu~B8ijhT<&TT#5h$0-#a~jIzfy!lrJnD<7+pJYY4f%gEf#C|sIPswI`"
        "Mciy{Pp}JlGiDxT}E-6S2xLSVLA;ky^P9Wwc2-TF>_dwV&tiuO}PNwsM)iu^-P{NwXvWNQ!lm`tkdfcL)2Hv`6"
        "z>YpWj@8hfAA&g>%#+RFMp`w*OMw3$c#%lzrp^77W?`9@o}+D#h{lDkTfi`7!>4CK-xn_yFKIwUw4RI<MTKT}-"
        "="
    ),
    "MLPClassifier": (
        "c-nncTWDNG7~b6^dp6t6h1dqXHqe(yaJ@i!Nuvi15^<ZgsGul1%$}XybMTxqhdFZ+w^+1lOk#&3WJ=o<DhfXMB"
        "={DEL=+WiQ>CSf4`Pg1Diuqh7!*bSnZ0B!N#<d9=AZxi{og<5mDb}GBc_+Qy@W&Vxj~kM-0?7{EX-Oi4nwEp5G"
        "F;(*nxv1>*rZ{=Mi~W_KP0dDHe&3TwEaxh0Y-o%3NYniZr&kGmg1KeJNTQaU&^`A$7-<x0bM6l%fs0fsN&;dCT"
        "sVtGA8ZCDH}VEn9m58ys;8fn9=`@AzfJFb8qUqJGG+&!y=3-xYFvhl8_&g|Q2(@Bb}~fKEV4O0--nGUeeHk;5T"
        "_TtXP39hFKhk<%i>uwSGe0>2O<7ZWX<x=nc*kaU5DM9zrx1ZG;1aX6(s>Jgtu9w`5IPOT-;;{$|*(eV&9Zl^^j"
        "r0Q0{kOl!{47N9oW7jEafKZ7kv;e75bN-ZCb0S$F9HV=i99Jdxf#llS`R{wD282O^&~cU70}oe@t=uDqM7OUCL"
        "_S59jr}r|lNN@myA=6y?BtNh=(eH>;*@PJ^P<be1>&O6qm<h!wb59tj#tP5S*KKyc84&Ej0QB~P512<cHIKDUI"
        "@X@HWef!(4L|?w)=?Nj9`6eEAmP}v=@&;n<xWeC)7<aj~EG|cS!dH>10AFZr*^8^}FPO>ZU=$4hOJ~T<&NMz}C"
        "<;0u@ECA9+C~i!91WR_kEKa7Bs?VnkDkMHUBFqD^Z`Vfe+W$}BKpQjWw6a!Nif`*U%{YkPOS7%)jVd*#e@^|nR"
        "Chh;vWfAn8i`X?9TvM@8!U56`P`<EaVX(+kqSXe_56@b>&jFGg5McPLIbP#bk=Hif1wWkW91c$$*LRU|mQfLuf"
        "ppDk&4Z)PSwCn(K79h~XGnYc=t%!{i1Pw@9l$5~3bF$wawD+oN?V(1kxx^dNHbtV;RHHqzQH6cm-yV4KwYde;T"
        "PZEQyu56Folh4}?EJ>`FXsL{dj4ZmRlHGzI7E0F5E^{v598R}7mF9O$xm|gt6HCkZH^CBTO{C{<~UikKYYij&s"
        "MK|xmdnG^J&YuZ#Rh-uWF~#9lZOgwd?gL&6q%xQS<WJoBLj!f-$>%eSc=@%1I)2sBv<<0EU{Vi3T=B@BqO>kuC"
        "r~tFW#ch@K|ML&dyM!QHEMZ@f}BDI0o4Sp^!`Rp)(81blp?wrkM6RmIyZ*LIKKYNJ6zq##`5kWmM0L9N)TC_%d"
        "t=q%L9s1L99Jowe?9|BoN%^kD9zXcltByGE~&~8Kn7*BYwS?%%M@IwOm!(&vXW9MUaizl?fEEJTgKbc!m5n9*x"
        "-k#xq_W$(r!qn0H_V0%K%o9_;d~kNY*L-O3?$ftkdT>#-6fC!(+L^O2Jv;mEUkmezt3U2Ly=zm8cs*wKz~`6F{"
        "P0n)`OL28uN?}^Ei7s=QhRnD|MdbIu4$57qVZ8`Y}Di&kx?Q09~1i!vH"
    ),
    "MLPRegressor": (
        "c-n<kTWnNC7~b7>yW6Fg%^DVBT8k!z5@b;kLMrJoR8n;5wy6;0!Jf>Xo$WdC+&X8@wrjlcP-v48NIGf-BS{~;V"
        "SLc|fCl%$N-<Jn8seof1{(~Lk{A%fgH7<CvllAq;ymom|Ihc|znSxD?d$y^pSM^`7CF?=?F4qHW*}-2CqeKa!H"
        "#1Q&Ki35^z~Q73BKVVe~GuVTHSIS&KjK|7ZIG1F(CpSQ?*P6o3f7bn8=Ry0(N*ZFv?j3DOAfLs#zvywFK)fXLX"
        "LH=P+2+q6{)P3nJZC5$~4n-L|mU(zS_2(ugXm=SF~BYC%LDBVuaipiB@2by%@Xha!_g@c$ginyFE6)|c*?yY|5"
        "n3)$8%<RnxVOQnYmG$LyhQb-0^$Wh&FR>ypdH4tQGEJFsr5F+VgHPq6V<rRXg)0TtzIExG;;sFT-DQs8<HmPd>"
        "`09DFW?9UH#$saS9Jz8j#+o2iJr9PKZ9~RjdruDOTE^>;oF$@N(5i0f^jl&bXLV^zk^IOq$3@Mfp!xIWcR$AuZ"
        ")72CJDM)cI(OxdEIiCQSk&|ilub)kRAdf9IT02Tb!T0Z_e^%MP=;8x<w9S4rN!zMr0Z#<Jn!%nTP45_hBjw}SZ"
        "~TyB^Y@^Fhlb;=4vyzw4mKUffQ?k{4t^~PzGioi{3^|86wy&bwKp9P$?;K6rk`|C)|3R5r7)j3~2c_V`Lb!2DG"
        "9Y&2tuC)+oV3S#e1Y%MiIvv2YeVJO>1go33H!6S86voG@ISYKRa7<_$8z9%qQFP#`o5dPojgWr~mq82Kpg@~8P"
        ">-p|{U{$wB-IK<U$<$A#=kloJ5$BO4Q%)f)DQmLnJ!Sa5RKFZVMUF&|l@0NdUTR}S2w?6;g>_ur{{-32QJHD6R"
        "c_4f=IQ50Z0j6$Mw~Kgc$L(l-h_-XQE85z7WP0`d*+S%IjJ^5EH4l&3D$RuMDcGjPT37HeTC{)h#<@#-KAtJ88"
        "H+adfB8d|c>W?fJll4B()sH~Im+_hLX>Xl`m?>+k(u{l^EmhKJ2ZgVYQZbbuz}rJP#e1K!cBx56G;Q>i{s%H0~"
        "T90I!8>#5o3#c*gKEJNm$k3hLAiEpt<}^l~gdV-KAamQBs3d(yTWyDslx1VPS|=5gLSm6etrZd7-Em3NHa6h04"
        "VDJa4JZy#n{6TUzte$tBoeH_d`~))<v78y-@4vq<RyVXZ4Xv5-1kNRSoIntIC?&v*tCP)ozggY}3A!&<kuHT2D"
        "IQ%4JzJ1<WUT%VDCzrvzB_e~XA@89%L<45PKQmbqqzxv0oL!T{n?tOXdnb=pdv`gJQ`pb!!bnMfnxt8gyXAjW3"
        "kn@SxW<T^Fn3P713vY~V{`P;#?0fgY#{F5J6hHlS=&_MZ)d>D_j?rTW22Kq_O`o?9#pl~DRHJVNf0jPE|EafQ("
        "uTzPODQvVmk6bt!V6m#v%?$bs(LQtPX2vn?YZ5g<Pj$WmG4SrBkue`?xqv}0tEl}`2"
    ),
    "DivergenceError": (
        "c-m`VnOemF0X;%#iNz(kIR$ztnPsU(>8W|isZ)CRUEmzoqN4nwDU+voGrQOSfar0z-#HTmX0=ZVno>JOqlY!MA"
        "U`<+sHBG_C%?FO3S4CmZ%%4rQC?<VdVEo0N$M21&e9}302-<>2L"
    ),
}
PREDICTED = {
    "MLP": [
        [0.4992962613906152, 0.5007037386093848],
        [0.4993005463469297, 0.5006994536530703],
        [0.49943141969537097, 0.500568580304629],
    ],
    "MLPClassifier": [
        [0.1401812153245463, 0.8598187846754537],
        [0.09202214158900224, 0.9079778584109978],
        [0.0849511284125194, 0.9150488715874806],
    ],
    "MLPRegressor": [
        1.8096342461826367,
        2.283326219800352,
        2.368749275716503,
    ],
}
